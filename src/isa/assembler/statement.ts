/** One instruction line: mnemonic, operands by position or name, semaphores. */

import { encodeFloat } from '../../base/float.ts';
import { type Instruction, mayBeRegister, type OperandValue, semaphoreMask, valueFault } from '../instruction.ts';
import { didYouMean } from '../suggest.ts';
import { type InstructionSpec, type IssueUnit, instructionsByName, issueUnits, type Operand } from '../table.ts';
import type { Faults } from './errors.ts';
import { type Cursor, evaluate, evaluateAfter, type Scope, type Value } from './expression.ts';
import type { Token } from './lexer.ts';

/** Reads an instruction; its faults are collected, and undefined is returned if there were any. */
export function readInstruction(cursor: Cursor, scope: Scope, faults: Faults): Instruction | undefined {
  const mnemonic = cursor.next();
  const spec = instructionsByName.get(mnemonic.text);
  if (!spec) {
    const hint = didYouMean(mnemonic.text, instructionsByName.keys(), 'docs/isa.md lists the instructions');
    faults.attempt(() => {
      throw cursor.error('ASM002', `there is no instruction ${mnemonic.text}`, hint, mnemonic);
    });
    return undefined;
  }
  const values = readOperands(spec, mnemonic, cursor, scope, faults);
  const masks = { wait: 0, post: 0 };
  const synchronised = faults.attempt(() => {
    while (!cursor.atEnd) readSync(cursor, masks);
    return true;
  });
  if (!values || !synchronised) return undefined;
  // The keys in the order of the interface, as `decode` gives them.
  return { spec, wait: masks.wait, post: masks.post, values };
}

function readOperands(
  spec: InstructionSpec,
  mnemonic: Token,
  cursor: Cursor,
  scope: Scope,
  faults: Faults,
): OperandValue[] | undefined {
  const values: (OperandValue | undefined)[] = spec.operands.map(() => undefined);
  const named = { seen: false };
  let position = 0;
  let sound = true;
  if (!cursor.atEnd && !cursor.is('@')) {
    do {
      const read = faults.attempt(() => {
        const index = operandAt(spec, position, cursor, named);
        const { token } = cursor;
        if (values[index] !== undefined) {
          throw cursor.error('ASM004', `${spec.operands[index]?.name} is given twice`, undefined, token);
        }
        values[index] = readOperand(spec.operands[index] as Operand, cursor, scope);
        if (!cursor.atEnd && !cursor.is(',') && !cursor.is('@')) {
          throw cursor.error('ASM011', `expected a comma and found ${cursor.token.text}`);
        }
        return true;
      });
      if (!read) {
        sound = false;
        cursor.skipOperand();
      }
      position += 1;
    } while (cursor.take(','));
  }
  if (!sound) return undefined;
  const missing = spec.operands.filter(({ kind }, index) => values[index] === undefined && kind.type !== 'flags');
  if (missing.length > 0) {
    faults.attempt(() => {
      const names = missing.map(({ name }) => name).join(', ');
      throw cursor.error('ASM005', `${spec.name} needs ${names}`, usage(spec), mnemonic);
    });
    return undefined;
  }
  return values.map((value) => value ?? 0);
}

/** `add rd, a, b`: how an instruction is written. */
function usage(spec: InstructionSpec): string {
  return `${spec.name} ${spec.operands.map(({ name }) => name).join(', ')}`.trimEnd();
}

/** Which operand comes now: by `name =`, or by position as long as none was named. */
function operandAt(spec: InstructionSpec, position: number, cursor: Cursor, named: { seen: boolean }): number {
  const { token, following } = cursor;
  if (token.type === 'name' && following.type === 'symbol' && following.text === '=') {
    named.seen = true;
    const index = spec.operands.findIndex(({ name }) => name === token.text);
    if (index < 0) {
      const names = spec.operands.map(({ name }) => name);
      const hint = didYouMean(token.text, names, names.length === 0 ? 'it takes none' : usage(spec));
      throw cursor.error('ASM003', `${spec.name} has no operand ${token.text}`, hint, token);
    }
    cursor.next();
    cursor.next();
    return index;
  }
  if (named.seen) throw cursor.error('ASM006', 'an operand without a name cannot follow one with a name', usage(spec));
  if (position >= spec.operands.length) {
    throw cursor.error('ASM006', `${spec.name} takes ${count(spec.operands.length)}`, usage(spec));
  }
  return position;
}

function count(operands: number): string {
  return operands === 0 ? 'no operands' : operands === 1 ? 'one operand' : `${operands} operands`;
}

function readOperand(operand: Operand, cursor: Cursor, scope: Scope): OperandValue {
  const { token } = cursor;
  const value = readValue(operand, cursor, scope);
  const fault = valueFault(operand, value);
  if (!fault) return typeof value === 'number' && operand.kind.type === 'integer' ? value | 0 : value;
  const code = fault.code === 'ISA004' ? 'ASM007' : 'ASM012';
  throw cursor.error(code, `${operand.name}: ${fault.message}`, fault.hint, token);
}

function readValue(operand: Operand, cursor: Cursor, scope: Scope): OperandValue {
  const { kind } = operand;
  const { token } = cursor;
  const register = token.type === 'name' ? scope.register(token.text) : undefined;
  if (kind.type === 'register') {
    if (register === undefined) {
      throw cursor.error('ASM012', `${operand.name} is a register, not ${token.text}`, 'r0 to r31, or an alias');
    }
    cursor.next();
    return register;
  }
  if (register !== undefined && mayBeRegister(operand)) {
    cursor.next();
    const offset = evaluateAfter({ type: 'integer', value: 0n }, cursor, scope);
    if (offset.type !== 'integer') throw cursor.error('ASM012', 'a register offset is an integer', undefined, token);
    return { register, offset: Number(offset.value) };
  }
  if (kind.type === 'flags' && token.type === 'name') return readFlags(operand, kind.names, cursor, scope);
  if (kind.type === 'choice' && token.type === 'name') {
    const index = kind.names.indexOf(token.text);
    if (index < 0) throw unknownName(operand, kind.names, cursor, token);
    cursor.next();
    return index;
  }
  return toOperandValue(operand, evaluate(cursor, scope), cursor, token);
}

function readFlags(operand: Operand, names: readonly string[], cursor: Cursor, scope: Scope): number {
  if (cursor.token.text === 'none') {
    cursor.next();
    return 0;
  }
  if (!names.includes(cursor.token.text) && scope.lookUp(cursor.token.text)) {
    return toOperandValue(operand, evaluate(cursor, scope), cursor, cursor.token);
  }
  let flags = 0;
  do {
    const token = cursor.expectName('a flag');
    const bit = names.indexOf(token.text);
    if (bit < 0) throw unknownName(operand, names, cursor, token);
    flags |= 1 << bit;
  } while (cursor.take('|'));
  return flags;
}

function unknownName(operand: Operand, names: readonly string[], cursor: Cursor, token: Token) {
  const hint = didYouMean(token.text, names, `one of ${names.join(', ')}`);
  return cursor.error('ASM013', `${operand.name} cannot be ${token.text}`, hint, token);
}

function toOperandValue(operand: Operand, value: Value, cursor: Cursor, token: Token): number {
  const { kind } = operand;
  if (value.type === 'bits' && (kind.type === 'float' || kind.type === 'integer')) return Number(value.value);
  if (kind.type === 'float' || (value.type === 'float' && kind.type === 'integer')) {
    const number = Number(value.value);
    if (!Number.isFinite(Math.fround(number))) {
      throw cursor.error(
        'ASM007',
        `${operand.name}: ${number} is not a finite float32`,
        'bits(0x7f800000) is infinity',
        token,
      );
    }
    return encodeFloat('float32', number);
  }
  if (value.type !== 'integer') {
    throw cursor.error('ASM012', `${operand.name} is an integer, not a float`, undefined, token);
  }
  return Number(value.value);
}

/** `@wait(dma, vector)` or `@post(matmul)`. */
function readSync(cursor: Cursor, masks: { wait: number; post: number }): void {
  cursor.expect('@');
  const kind = cursor.expectName('wait or post');
  if (kind.text !== 'wait' && kind.text !== 'post') {
    throw cursor.error('ASM014', `@${kind.text} is neither @wait nor @post`, undefined, kind);
  }
  cursor.expect('(');
  do {
    const token = cursor.expectName('a unit');
    if (!(issueUnits as readonly string[]).includes(token.text)) {
      const hint = didYouMean(token.text, issueUnits, `one of ${issueUnits.join(', ')}`);
      throw cursor.error('ASM014', `there is no unit ${token.text} with a queue`, hint, token);
    }
    masks[kind.text] |= semaphoreMask([token.text as IssueUnit]);
  } while (cursor.take(','));
  cursor.expect(')');
}
