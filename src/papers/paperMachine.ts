/**
 * What `lutra bench papers` asks of a published machine: the figures that its authors gave beside those that the
 * simulation gives, and the simulation alone at any other point.
 */

/** One figure of a published machine. */
export interface PaperFigure {
  /** What it is: `decode step`, `prefill`, or a phase or a unit of one. */
  readonly figure: string;
  /** Positions that a decode step attends to, or tokens of the prompt; absent where neither matters. */
  readonly context?: number;
  /** Absent at a point that no source gives. */
  readonly published?: number;
  readonly simulated: number;
  readonly unit: string;
  /** Largest |simulated / published − 1| that passes; absent with `published`. */
  readonly tolerance?: number;
  /** `fitted`: a free parameter of the hardware model was chosen on this very figure. */
  readonly kind: 'fitted' | 'predicted';
}

/** A published machine: a hardware model, compiler options, and the figures to compare. */
export interface PaperMachine {
  /** As in `hw-models`: `tellme-v2-kv260`. */
  readonly name: string;
  /** Paper or repository that the published figures come from. */
  readonly source: string;
  /** All published figures beside the simulated ones. */
  figures(): readonly PaperFigure[];
  /** One decode step that attends to `context` positions: `decode step` in ms, then its phases. */
  decode(context: number): readonly PaperFigure[];
  /** The time to the first token of a prompt of `prompt` tokens: `prefill` in ms, then its phases. */
  prefill(prompt: number): readonly PaperFigure[];
}
