import { type InstructionSpec, issueUnits } from './table.ts';

/** What is wrong with an instruction table, as sentences; an empty list for a sound one. */
export function tableFaults(table: readonly InstructionSpec[]): string[] {
  const faults: string[] = [];
  const names = new Set<string>();
  const opcodes = new Map<number, string>();
  for (const spec of table) {
    const say = (message: string) => faults.push(`${spec.name}: ${message}`);
    if (names.has(spec.name)) say('the name is used twice');
    names.add(spec.name);
    const other = opcodes.get(spec.opcode);
    if (other !== undefined) say(`opcode ${spec.opcode} belongs to ${other}`);
    opcodes.set(spec.opcode, spec.name);
    if (!Number.isInteger(spec.opcode) || spec.opcode < 1 || spec.opcode > 255) say('the opcode is not from 1 to 255');
    if (!issueUnits.includes(spec.unit)) say(`there is no unit ${spec.unit}`);
    const owner = spec.unit === 'frontEnd' ? '' : `${spec.unit}.`;
    if (!/^[a-z][A-Za-z]*$/.test(spec.name.slice(owner.length)) || !spec.name.startsWith(owner)) {
      say(`the name is not ${owner}verb`);
    }
    faults.push(...operandFaults(spec).map((message) => `${spec.name} ${message}`));
  }
  return faults;
}

function operandFaults(spec: InstructionSpec): string[] {
  const faults: string[] = [];
  const names = new Set<string>();
  const claimed = new Map<number, bigint>();
  for (const { name, kind, word, low, bits } of spec.operands) {
    const say = (message: string) => faults.push(`${name}: ${message}`);
    if (names.has(name)) say('the operand is there twice');
    names.add(name);
    if (!Number.isInteger(word) || word < 1 || word > 7) say(`there is no word ${word} for operands`);
    if (low < 0 || bits < 1 || low + bits > 32) say(`bits ${low} to ${low + bits - 1} leave the word`);
    const field = ((1n << BigInt(bits)) - 1n) << BigInt(low);
    if ((claimed.get(word) ?? 0n) & field) say(`its bits of word ${word} overlap another operand’s`);
    claimed.set(word, (claimed.get(word) ?? 0n) | field);
    // What is signed or a whole bit pattern fills its word: narrower fields are unsigned.
    if (bits !== 32 && ['integer', 'float', 'label', 'register'].includes(kind.type)) say(`${kind.type} needs 32 bits`);
    if (kind.type === 'choice' && kind.names.length > 2 ** bits) say('more choices than its bits can tell');
    if (kind.type === 'flags' && kind.names.length > Math.min(bits, 30)) say('more flags than bits');
  }
  return faults;
}
