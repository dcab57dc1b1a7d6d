/** Writes the program of the self-test: checks, comparisons, and the bringing of data to buffers and back. */
import { derive } from '../hw/derive.ts';
import type { HardwareModel } from '../hw/schema.ts';
import { packWords } from '../isa/assembler/data.ts';
import { type MachineShape, machineShape } from '../isa/footprint.ts';
import { type IssueUnit, issueUnits } from '../isa/table.ts';
import { MemoryPlan } from './memoryPlan.ts';
import { randomIntegers, words } from './patterns.ts';
import { commonMultiple, type Signature, signature } from './signature.ts';

/** Highest bits of every token. */
const tokenBase = 0x5a00_0000;

export interface Check {
  /** What the program gives when nothing was wrong. */
  readonly token: number;
  readonly unit: IssueUnit | 'memory';
  readonly what: string;
}

/** Registers with a purpose throughout; checks have r0 to r20. */
const loopCounter = 'r23';
const loopAddress = 'r24';
const returnTo = 'r25';
const wordsLeft = 'r26';
const wordAddress = 'r27';
const expectedAddress = 'r28';
const found = 'r29';
const wanted = 'r30';
const wrong = 'r31';

/** Which buffers `collect` and `stage` can reach with dma. */
export type Staged = 'act' | 'coef' | 'acc' | 'input';

export interface Range {
  readonly space: Staged;
  readonly local: number;
  readonly elements: number;
}

/** Lets dma take `input`: the engine is done with it. Each product says so again, and the next load takes it. */
const engineFree = 'matmul.sync @post(dma)';

const elementBytes: Readonly<Record<Staged, number>> = { act: 4, coef: 4, acc: 4, input: 1 };
const memoryFormat: Readonly<Record<Staged, string>> = { act: 'float32', coef: 'float32', acc: 'int32', input: 'int8' };

export class Author {
  readonly hw: HardwareModel;
  readonly shape: MachineShape;
  readonly memory = new MemoryPlan();
  readonly signature: Signature;
  readonly checks: Check[] = [];
  /** Beats and rows of the vector unit, attention and dma all begin at multiples of so many elements. */
  readonly align: number;
  /** As `align`, and rows of sums. */
  readonly accAlign: number;
  /** True: the program gives every word that it would compare, as a token. */
  private readonly recording: boolean;
  private readonly lines: string[] = [];
  private labels = 0;
  private results = 0;

  constructor(hw: HardwareModel, recording: boolean) {
    this.hw = hw;
    this.shape = machineShape(hw);
    this.recording = recording;
    this.signature = signature(this.shape);
    const { portBytes, accWordElements, rowsPerStep } = derive(hw);
    this.align = commonMultiple(commonMultiple(hw.vector.lanes, hw.attention.lanes), portBytes);
    const sums = commonMultiple(this.align, hw.matmul.columns);
    this.accAlign = rowsPerStep > 1 ? commonMultiple(sums, accWordElements) : sums;
  }

  line(...texts: readonly string[]): void {
    this.lines.push(...texts);
  }

  label(prefix = 'L'): string {
    return `${prefix}_${this.labels++}`;
  }

  text(): string {
    return this.lines.join('\n');
  }

  /** A check: what `body` writes, and then its token with the number of words that were not as expected. */
  check(unit: Check['unit'], what: string, body: () => void): void {
    const number = this.checks.length + 1;
    const token = (tokenBase | (number << 8)) >>> 0;
    this.checks.push({ token, unit, what });
    this.line(`check_${String(number).padStart(2, '0')}_${unit}:`, `li ${wrong}, 0`);
    body();
    this.line(`min ${wrong}, ${wrong}, 255`, `or ${wrong}, ${wrong}, ${token}`);
    if (!this.recording) this.line(`emit ${wrong}`);
  }

  /** Counts a word as wrong unless the register has this value, without memory. */
  require(register: string, value: number | string): void {
    const label = this.label();
    this.line(`beq ${register}, ${value}, ${label}`, `add ${wrong}, ${wrong}, 1`, `${label}:`);
  }

  countWrong(): void {
    this.line(`add ${wrong}, ${wrong}, 1`);
  }

  /** Sets what comparisons need; after checks that use every register. */
  prepareComparisons(): void {
    this.line(`li ${expectedAddress}, expected`);
  }

  /** Compares a register with the next expected word. */
  expect(register: string): void {
    const back = this.label();
    this.line(`add ${found}, ${register}, 0`, `li ${returnTo}, ${back}`, 'jmp expect', `${back}:`);
  }

  /** Compares words of memory, one by one, with the next expected ones. The words must be there. */
  compare(address: string, count: number): void {
    const back = this.label();
    this.line(`li ${wordAddress}, ${address}`, `li ${wordsLeft}, ${count}`, `li ${returnTo}, ${back}`);
    this.line('jmp compare', `${back}:`);
  }

  /** The subroutines of `expect` and `compare`; behind the last instruction that runs into them. */
  subroutines(): void {
    const one = (label: string) =>
      this.recording
        ? [`emit ${found}`]
        : [
            `ld ${wanted}, ${expectedAddress}`,
            `add ${expectedAddress}, ${expectedAddress}, 4`,
            `beq ${found}, ${wanted}, ${label}`,
            `add ${wrong}, ${wrong}, 1`,
          ];
    this.line('expect:', ...one('expect_end'), 'expect_end:', `jmp ${returnTo}`);
    this.line('compare:', `ld ${found}, ${wordAddress}`, ...one('compare_end'), 'compare_end:');
    this.line(`add ${wordAddress}, ${wordAddress}, 4`, `loop ${wordsLeft}, compare`, `jmp ${returnTo}`);
  }

  /** Has the front end wait until these units have finished what they were given. */
  wait(...units: readonly IssueUnit[]): void {
    this.line(...units.map((unit) => `${unit}.sync @post(frontEnd)`), `sync @wait(${units.join(', ')})`);
  }

  /** Has all units wait for each other. */
  meet(): void {
    this.wait(...issueUnits.filter((unit) => unit !== 'frontEnd'));
  }

  transfer(verb: 'load' | 'store' | 'gather', space: Staged, local: number | string, remote: string, elements: number) {
    const more = `elements=${elements}, rows=1, remoteStride=0, localPitch=0`;
    this.line(`dma.${verb} ${space}, ${memoryFormat[space]}, local=${local}, remote=${remote}, ${more}`);
  }

  /** Loads the weights that `verify` multiplies with; again after something else was in their place. */
  loadSignature(): void {
    const { words: count } = this.signature;
    const digits = count * this.shape.derived.wordDigits;
    const name = this.memory.constant('signature', () =>
      packWords('.binaryWords', randomIntegers(digits, 0x519, 0, 1), this.hw),
    );
    this.line(`weightBuffer.load dst=0, src=${name}, words=${count}, alphabet=binary`);
    this.wait('weightBuffer');
  }

  /** One product of the signature, of what lies in front of `input`. */
  private product(bytes: number, accumulate: boolean, sync: string): void {
    const { planes, steps } = this.signature;
    const blocks = Math.ceil(bytes / this.shape.derived.blockInputs);
    const options = accumulate ? 'accumulate' : 'none';
    this.line(
      `matmul.run input=0, weights=0, output=0, rows=1, blocks=${blocks}, steps=${steps}, alphabet=binary, planes=${planes}, options=${options}, inputPitch=0 ${sync}`,
    );
  }

  /** Adds bytes that lie in front of `input` to the sums, without waiting for anybody. */
  multiply(bytes: number): void {
    this.product(bytes, true, '');
  }

  /** Compares the sums of `clearSums` and what was added to them. */
  compareSums(): void {
    const sums = this.memory.room('sums', Math.max(64, 4 * this.signature.sums));
    this.line('dma.sync @wait(matmul)');
    this.transfer('store', 'acc', 0, sums, this.signature.sums);
    this.wait('dma');
    this.compare(sums, this.signature.sums);
  }

  /**
   * Compares bytes of memory, a multiple of a beat, by their signature. It takes the front of `input` and of `acc`, and
   * all units must have finished with them and with that memory.
   */
  verify(address: string, bytes: number): void {
    this.line(engineFree);
    this.products(address, bytes, false);
    this.compareSums();
  }

  /** Sums to which the bytes of several places are added; `compareSums` compares them. */
  clearSums(): void {
    const { accElements } = this.signature;
    this.transfer('load', 'acc', 0, this.zeros(4 * accElements), accElements);
    this.wait('dma');
    this.line(engineFree);
  }

  /** As `verify`, without the comparison, adding to what the sums already are. The engine may still be at it. */
  addToSums(address: string, bytes: number): void {
    this.products(address, bytes, true);
  }

  private zeros(bytes: number): string {
    const { blockInputs } = this.shape.derived;
    const length = Math.max(4 * this.signature.accElements, blockInputs, bytes);
    return this.memory.constant('zeros', () => new Uint8Array(length));
  }

  private products(address: string, bytes: number, add: boolean): void {
    const { pieceBytes } = this.signature;
    const { blockInputs } = this.shape.derived;
    const whole = Math.floor(bytes / pieceBytes);
    const rest = bytes - whole * pieceBytes;
    // What a last block has beyond the bytes must not count.
    const pad = (from: number) => {
      const missing = Math.ceil(from / blockInputs) * blockInputs - from;
      if (missing > 0) this.transfer('load', 'input', from, this.zeros(missing), missing);
    };
    let accumulate = add;
    const piece = (from: string, length: number) => {
      this.transfer('load', 'input', 0, from, length);
      this.line('dma.sync @post(matmul)');
      this.product(length, accumulate, '@wait(dma) @post(dma)');
      accumulate = true;
    };
    if (whole > 0) {
      this.line('dma.sync @wait(matmul)');
      pad(pieceBytes);
      piece(address, pieceBytes);
    }
    if (whole > 2) {
      const again = this.label();
      this.line(
        `li ${loopAddress}, ${address}+${pieceBytes}`,
        `li ${loopCounter}, ${whole - 1}`,
        `${again}:`,
        'dma.sync @wait(matmul)',
      );
      piece(loopAddress, pieceBytes);
      this.line(`add ${loopAddress}, ${loopAddress}, ${pieceBytes}`, `loop ${loopCounter}, ${again}`);
    } else if (whole === 2) {
      this.line('dma.sync @wait(matmul)');
      piece(`${address}+${pieceBytes}`, pieceBytes);
    }
    if (rest > 0) {
      this.line('dma.sync @wait(matmul)');
      pad(rest);
      piece(`${address}+${whole * pieceBytes}`, rest);
    }
  }

  /** Fills parts of buffers with constants. */
  stage(ranges: readonly (Range & { readonly constant: string })[]): void {
    for (const { space, local, elements, constant } of ranges) this.transfer('load', space, local, constant, elements);
    this.wait('dma');
  }

  /** Stores parts of buffers, each whole beats long, one behind the other; what they are is compared by `verifyResults`. */
  collect(ranges: readonly Range[]): void {
    for (const { space, local, elements } of ranges) {
      const bytes = elements * elementBytes[space];
      this.transfer('store', space, local, `results+${this.results}`, elements);
      this.results += bytes;
    }
    this.memory.room('results', this.results);
    this.wait('dma');
  }

  /** As `collect`, of bytes of the KV store. */
  collectKeys(local: number, bytes: number): void {
    this.line(`kvStore.spill src=${local}, dst=results+${this.results}, bytes=${bytes}, rows=1, stride=0`);
    this.results += bytes;
    this.memory.room('results', this.results);
    this.wait('kvStore');
  }

  /** Compares all that was collected since. */
  verifyResults(): void {
    const bytes = this.results;
    this.results = 0;
    this.verify('results', bytes);
  }

  /** Numbers for the words of a segment. */
  constantWords(name: string, values: readonly number[]): string {
    return this.memory.constant(name, () => words(values));
  }
}
