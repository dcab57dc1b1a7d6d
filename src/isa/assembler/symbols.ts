import { registerCount } from '../table.ts';
import { asmError, type Position } from './errors.ts';
import type { Scope, Value } from './expression.ts';

/** The names of a program: constants, labels and register aliases share one name space. */
export class Symbols implements Scope {
  readonly constants = new Map<string, number>();
  readonly labels = new Map<string, number>();
  private readonly aliases = new Map<string, number>();
  private readonly given: ReadonlyMap<string, number>;
  private readonly lines = new Map<string, number>();

  constructor(given: ReadonlyMap<string, number>) {
    this.given = given;
  }

  lookUp(name: string): Value | undefined {
    const number = this.constants.get(name) ?? this.labels.get(name) ?? this.given.get(name);
    if (number === undefined) return undefined;
    if (this.floats.has(name) || !Number.isInteger(number)) return { type: 'float', value: number };
    return { type: 'integer', value: BigInt(number) };
  }

  /** Constants defined as floats stay floats even if their value is whole. */
  private readonly floats = new Set<string>();

  register(name: string): number | undefined {
    const alias = this.aliases.get(name);
    if (alias !== undefined) return alias;
    const number = /^r(0|[1-9]\d?)$/.exec(name)?.[1];
    return number !== undefined && Number(number) < registerCount ? Number(number) : undefined;
  }

  *names(): Iterable<string> {
    yield* this.constants.keys();
    yield* this.labels.keys();
    yield* this.given.keys();
  }

  defineConstant(name: string, value: Value, position: Position): void {
    this.claim(name, position);
    this.constants.set(name, Number(value.value));
    if (value.type === 'float') this.floats.add(name);
  }

  defineLabel(name: string, instruction: number, position: Position): void {
    this.claim(name, position);
    this.labels.set(name, instruction);
  }

  defineRegister(name: string, register: number, position: Position): void {
    this.claim(name, position);
    this.aliases.set(name, register);
  }

  private claim(name: string, position: Position): void {
    if (/^r\d+$/.test(name)) throw asmError('ASM009', position, `${name} is the name of a register`);
    if (this.given.has(name)) throw asmError('ASM009', position, `${name} is defined by the hardware model`);
    const line = this.lines.get(name);
    if (line !== undefined) throw asmError('ASM009', position, `${name} is defined twice`, `first in line ${line}`);
    this.lines.set(name, position.line);
  }
}
