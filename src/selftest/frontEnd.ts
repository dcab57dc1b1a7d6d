/** Checks of the front end: arithmetic, registers, branches, semaphores with every unit, loads of words. */
import { hash } from '../base/hash.ts';
import { registerArithmetic } from '../isa/arithmetic.ts';
import { issueUnits, registerCount } from '../isa/table.ts';
import type { Author } from './author.ts';
import { extraTurns } from './signature.ts';

/** Shifts have a check of their own. */
const operations = ['add', 'sub', 'mul', 'min', 'max', 'and', 'or'] as const;

const operands: readonly (readonly [number, number])[] = [
  [5, -3],
  [0x7fffffff, 1],
  [-2147483648, -1],
  [0x12345678, -559038737],
  [-1431655766, 0x55555555],
];

export function frontEndChecks(author: Author): void {
  author.check('frontEnd', 'add, sub, mul, min, max, and, or', () => arithmetic(author));
  author.check('frontEnd', 'shl, shr, mul of every single bit, loop', () => bits(author));
  author.check('frontEnd', 'every bit of every register, both ways', () => registers(author));
  author.check('frontEnd', 'beq, bne, blt, bge taken and not, jmp to a register', () => branches(author));
  author.prepareComparisons();
  author.check('frontEnd', 'ld of every word of a beat through every port', () => loads(author));
  author.check('frontEnd', 'semaphores of every pair of units', () => semaphores(author));
}

function arithmetic(author: Author): void {
  for (const [a, b] of operands) {
    author.line(`li r1, ${a}`, `li r2, ${b}`);
    for (const name of operations) {
      author.line(`${name} r3, r1, r2`);
      author.require('r3', (registerArithmetic[name]?.(a, b) as number) | 0);
    }
  }
}

function bits(author: Author): void {
  const again = author.label();
  author.line('li r1, 1', 'li r2, 0', 'li r3, 32', 'li r6, 0', `${again}:`, 'shl r4, 1, r2');
  author.require('r4', 'r1');
  author.line('shr r5, r4, r2');
  author.require('r5', 1);
  // What lies above the fifth bit of a shift does not count.
  author.line('shl r5, 0x1234567, r2+32', 'mul r7, r1, 0x1234567');
  author.require('r5', 'r7');
  author.line('shr r5, -1, r2', 'or r6, r6, r5', 'add r1, r1, r1', 'add r2, r2, 1', `loop r3, ${again}`);
  author.require('r2', 32);
  author.require('r6', -1);
  author.require('r1', 0);
}

function registers(author: Author): void {
  const value = (register: number, inverted: number) => (hash(0x4e6, register) ^ inverted) | 0;
  for (const inverted of [0, -1]) {
    // r31 counts what is wrong; its turn comes at the end.
    const others = Array.from({ length: registerCount - 1 }, (_, register) => register);
    author.line(...others.map((register) => `li r${register}, ${value(register, inverted)}`));
    for (const register of others) author.require(`r${register}`, value(register, inverted));
    const good = author.label();
    author.line('add r0, r31, 0', `li r31, ${value(31, inverted)}`, 'add r1, r31, 0', 'add r31, r0, 0');
    author.line(`beq r1, ${value(31, inverted)}, ${good}`);
    author.countWrong();
    author.line(`${good}:`);
  }
}

function branches(author: Author): void {
  const taken: Readonly<Record<string, (a: number, b: number) => boolean>> = {
    beq: (a, b) => a === b,
    bne: (a, b) => a !== b,
    blt: (a, b) => a < b,
    bge: (a, b) => a >= b,
  };
  const pairs = [
    [0, 0],
    [-1, 1],
    [1, -1],
    [-2147483648, 2147483647],
    [7, 0x10007],
  ] as const;
  for (const [a, b] of pairs) {
    author.line(`li r1, ${a}`, `li r2, ${b}`);
    for (const [name, decides] of Object.entries(taken)) {
      const there = author.label();
      const end = author.label();
      author.line(`${name} r1, r2, ${there}`);
      if (decides(a, b)) author.countWrong();
      author.line(`jmp ${end}`, `${there}:`);
      if (!decides(a, b)) author.countWrong();
      author.line(`${end}:`);
    }
  }
  const target = author.label();
  author.line(`li r3, ${target}-5`, 'jmp r3+5');
  author.countWrong();
  author.line(`${target}:`);
}

/** The words are a sequence that the front end knows how to compute. */
function loads(author: Author): void {
  const { ports } = author.hw.memory;
  const lanes = author.shape.derived.portBytes / 4;
  const factor = 0x9e3779b1;
  author.constantWords(
    'sequence',
    Array.from({ length: lanes }, (_, index) => Math.imul(index + 1, factor)),
  );
  // With so many loads more in each pass, every word meets every port.
  const more = extraTurns(lanes, ports);
  const pass = author.label();
  const next = author.label();
  author.line(`li r4, ${ports}`, `${pass}:`, `li r1, ${lanes}`, 'li r2, sequence', 'li r5, 1', `${next}:`);
  author.line('ld r3, r2', `mul r6, r5, ${factor}`);
  author.require('r3', 'r6');
  author.line('add r2, r2, 4', 'add r5, r5, 1', `loop r1, ${next}`);
  author.line(...Array.from({ length: more }, () => 'ld r3, sequence'), `loop r4, ${pass}`);
}

/** A count that is lost, or goes to another pair, leaves somebody waiting: this check then is the one that never ends. */
function semaphores(author: Author): void {
  const units = issueUnits.filter((unit) => unit !== 'frontEnd');
  const others = (unit: string) => units.filter((other) => other !== unit).join(', ');
  for (let round = 0; round < 2; round++) {
    author.line(...units.map((unit) => `${unit}.sync @post(${others(unit)})`));
    author.line(...units.map((unit) => `${unit}.sync @wait(${others(unit)})`));
  }
  // Each pair by itself, and counts that add up.
  for (const [index, unit] of units.entries()) {
    const next = units[(index + 1) % units.length];
    author.line(`sync @post(${unit})`, `sync @post(${unit})`, `${unit}.sync @wait(frontEnd) @post(${next})`);
    author.line(`${unit}.sync @wait(frontEnd) @post(${next})`, `${next}.sync @wait(${unit}) @post(frontEnd)`);
    author.line(`${next}.sync @wait(${unit}) @post(frontEnd)`, `sync @wait(${next})`, `sync @wait(${next})`);
  }
}
