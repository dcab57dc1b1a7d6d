/** What instructions have said about those that come after them: state, so it is one object that can be saved. */
export interface Configured {
  /** Operands of the last `attention.configure`. */
  attention: readonly number[] | undefined;
  /** The last `sampler.begin` asked for a draw. */
  drawn: boolean;
}

export function unconfigured(): Configured {
  return { attention: undefined, drawn: false };
}
