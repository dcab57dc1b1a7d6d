/**
 * Collects a program as drafts: instructions by name, with labels instead of addresses and channels instead of
 * semaphores. `schedule` turns them into instructions.
 */
import type { OperandValue, RegisterOperand } from '../isa/instruction.ts';
import type { Channel } from './channels.ts';

export interface Draft {
  readonly name: string;
  /** A string is a label. */
  readonly operands: Readonly<Record<string, OperandValue | string>>;
  /** One count of each is taken before the instruction starts. */
  readonly needs: readonly Channel[];
  /** One count of each is given when it finishes. */
  readonly gives: readonly Channel[];
}

export interface DraftProgram {
  readonly drafts: readonly Draft[];
  readonly labels: ReadonlyMap<string, number>;
}

export interface Sync {
  readonly needs?: readonly Channel[];
  readonly gives?: readonly Channel[];
}

export interface Builder {
  emit(name: string, operands?: Readonly<Record<string, OperandValue | string>>, sync?: Sync): void;
  label(name: string): void;
  /** A label that nobody else has, beginning with `prefix`. */
  fresh(prefix: string): string;
  /** Code that is emitted after everything else, off the main path. */
  later(emit: () => void): void;
  finish(): DraftProgram;
}

export function createBuilder(): Builder {
  const drafts: Draft[] = [];
  const labels = new Map<string, number>();
  const deferred: (() => void)[] = [];
  const used = new Map<string, number>();
  return {
    emit(name, operands = {}, { needs = [], gives = [] } = {}) {
      drafts.push({ name, operands, needs, gives });
    },
    label(name) {
      if (labels.has(name)) throw new Error(`label ${name} is defined twice`);
      labels.set(name, drafts.length);
    },
    fresh(prefix) {
      const number = used.get(prefix) ?? 0;
      used.set(prefix, number + 1);
      return `${prefix}_${number}`;
    },
    later(emit) {
      deferred.push(emit);
    },
    finish() {
      for (const emit of deferred.splice(0)) emit();
      return { drafts, labels };
    },
  };
}

/** `R[register] + offset`. */
export const at = (register: number, offset = 0): RegisterOperand => ({ register, offset });
