import type { MarkContext } from './events.ts';

/** The part of a run that a trace holds. */
export interface Selection {
  /** First cycle. */
  readonly from: number;
  /** First cycle that is not in it any more. */
  readonly to: number;
  /** Unit numbers as bits. */
  readonly units: number;
  /** Only what belongs to this token (see the `mark` instruction); undefined: all. */
  readonly token: number | undefined;
  readonly layer: number | undefined;
}

export const everything: Selection = {
  from: 0,
  to: Number.POSITIVE_INFINITY,
  units: -1,
  token: undefined,
  layer: undefined,
};

/** Whether something of the cycles `from` up to before `to` is in the range of cycles; a moment has `to` = `from` + 1. */
export function inRange(selection: Selection, from: number, to: number): boolean {
  return from < selection.to && to > selection.from;
}

export function hasUnit(selection: Selection, unit: number): boolean {
  return ((selection.units >> unit) & 1) === 1;
}

/** Whether what an instruction with these marks does is wanted; what no instruction has to do with has no marks. */
export function hasMarks({ token, layer }: Selection, marks: MarkContext | undefined): boolean {
  return (token === undefined || marks?.token === token) && (layer === undefined || marks?.layer === layer);
}
