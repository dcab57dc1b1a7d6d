/** What an ablation is: one design decision, taken in two or three ways on the same machine. */
import type { PaperInputs } from '../inputs.ts';

export interface AblationForm {
  /** What it is: `select`, `naive`. */
  readonly form: string;
  /** The arguments of `lutra run` (or the command) that give this form; empty: the default. */
  readonly how: string;
  readonly value: number;
  /** What the paper gives for this form, where it gives one. */
  readonly published?: number;
}

export interface Ablation {
  /** The decision. */
  readonly name: string;
  /** What is measured. */
  readonly figure: string;
  readonly unit: string;
  readonly forms: readonly AblationForm[];
  /** Paper whose figures stand beside ours, and what differs. */
  readonly source?: string;
}

/** Makes ablations; everything in them is computed or simulated at the time of the call. */
export type AblationMaker = (inputs: PaperInputs) => readonly Ablation[];
