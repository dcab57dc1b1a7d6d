/** What a command is, and what several of them need. */

import { spaces } from '../../isa/index.ts';
import type { Session } from '../session.ts';
import { wrong } from '../words.ts';

/** Lines to show; in between it gives control back. */
export type Answer = Generator<void, readonly string[]>;

export interface Command {
  /** The long form first. */
  readonly names: readonly string[];
  readonly usage: string;
  readonly about: string;
  /** More than one line of help. */
  readonly more?: readonly string[];
  /** What its words may be, for completion. */
  readonly words?: (session: Session) => readonly string[];
  readonly run: (session: Session, words: readonly string[]) => Answer | readonly string[];
}

export const labelNames = ({ target }: Session) => [...target.image.labels.keys()];
export const addressNames = ({ target }: Session) => [
  ...spaces.map((space) => `${space}:`),
  ...target.image.segments.map(({ name }) => name),
];

/** The one word that a command takes. */
export function only(words: readonly string[], what: string): string {
  const [word, more] = words;
  if (word === undefined) throw wrong('DBG001', `${what} is missing`);
  if (more !== undefined) throw wrong('DBG001', `${more}: one word too many`);
  return word;
}
