/**
 * The self-test of a hardware model: a program that tries memory, every unit and the buffers between them, and says of
 * each check how many words were not as expected.
 *
 * What is expected is what the machine (src/machine) computes: a first program, which gives every word that the second
 * one compares, is run at once, and its words become the second one's constants. The second is run too, so that what
 * `selfTest` returns has passed on the machine.
 */
import { LutraError } from '../base/diagnostics.ts';
import type { HardwareModel } from '../hw/schema.ts';
import { assemble } from '../isa/assembler/assemble.ts';
import { type ProgramImage, programImage } from '../isa/image.ts';
import { verifyProgram } from '../isa/verify.ts';
import { Machine } from '../machine/machine.ts';
import type { Kernels } from '../machine/values/kernels.ts';
import { attentionChecks, keyChecks } from './attention.ts';
import { Author, type Check } from './author.ts';
import { bufferChecks, type Coverage } from './buffers.ts';
import { type Counted, countedClasses } from './counters.ts';
import { engineChecks } from './engine.ts';
import { frontEndChecks } from './frontEnd.ts';
import { copyChecks, memoryChecks } from './memory.ts';
import { words } from './patterns.ts';
import { samplerChecks } from './sampler.ts';
import { togetherCheck } from './together.ts';
import { vectorChecks } from './vector.ts';

export interface SelfTest {
  readonly image: ProgramImage;
  /** In the order of their tokens. */
  readonly checks: readonly Check[];
  /** What the counters hold afterwards, however fast memory was. */
  readonly counters: readonly Counted[];
  readonly coverage: readonly Coverage[];
  /** Cycles on the machine; on a board memory decides. */
  readonly cycles: number;
}

export interface SelfTestOptions {
  /** Values by these: the same, faster. */
  readonly kernels?: Kernels | undefined;
}

/** Neither of the programs has a loop that could go on for so long. */
const cycleLimit = 200_000_000;

/** @throws LutraError SLF001 if the machine's memory is too small */
export function selfTest(hw: HardwareModel, options: SelfTestOptions = {}): SelfTest {
  const recording = write(hw, true);
  const recorded = run(build(recording.author, hw, []), hw, options);
  const { author, coverage } = write(hw, false);
  const image = build(author, hw, recorded.tokens);
  const { machine, tokens } = run(image, hw, options);
  const { checks } = author;
  const failed = checks.find(({ token }, index) => tokens[index] !== token);
  if (failed || tokens.length !== checks.length) {
    throw new LutraError({
      code: 'SLF002',
      message: `the self-test of ${hw.name} fails on the machine itself: ${failed?.unit}, ${failed?.what}`,
      exit: 'internal',
    });
  }
  const counters = countedClasses.map(({ unit, cycleClass }) => ({
    unit,
    cycleClass,
    cycles: machine.counters.read(unit, cycleClass, machine.cycle),
  }));
  return { image, checks, counters, coverage, cycles: machine.cycle };
}

/** From what everything else relies on to what relies on everything else. */
function write(hw: HardwareModel, recording: boolean): { author: Author; coverage: Coverage[] } {
  const author = new Author(hw, recording);
  frontEndChecks(author);
  copyChecks(author);
  engineChecks(author);
  memoryChecks(author);
  const coverage = bufferChecks(author);
  vectorChecks(author);
  keyChecks(author);
  attentionChecks(author);
  samplerChecks(author);
  togetherCheck(author);
  author.line('halt');
  author.subroutines();
  return { author, coverage };
}

function build(author: Author, hw: HardwareModel, expected: readonly number[]): ProgramImage {
  const text = author.text();
  const count = [...text.matchAll(/^(?!.*:$)./gm)].length;
  const { segments, codeAddress, addresses } = author.memory.place(
    count,
    hw,
    words(expected.length > 0 ? expected : [0]),
  );
  const program = assemble(text, 'selftest', { hw, constants: addresses });
  verifyProgram(program.instructions, hw, segments, { labels: program.labels });
  const image = programImage({ ...program, segments: [...segments], codeAddress }, hw);
  return { ...image, metadata: { ...image.metadata, modelName: 'self-test' } };
}

function run(image: ProgramImage, hw: HardwareModel, { kernels }: SelfTestOptions) {
  const tokens: number[] = [];
  const machine = new Machine(image, hw, {
    values: true,
    dense: false,
    kernels,
    cycleLimit,
    trace: {
      instruction: () => {},
      token: ({ token }) => {
        tokens.push(token >>> 0);
      },
    },
  });
  while (!machine.advance(1_000_000));
  return { machine, tokens };
}
