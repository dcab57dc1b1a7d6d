/** The programs that an export's test bench runs, with what the simulated machine makes of them. */
import { LutraError } from '../base/diagnostics.ts';
import { compile } from '../compiler/index.ts';
import { type HostWrite, hostWrites } from '../host/index.ts';
import type { HardwareModel } from '../hw/index.ts';
import { codeBytes, issueUnits, type ProgramImage } from '../isa/index.ts';
import { commandBlock, Run, type RunRequest } from '../machine/run.ts';
import { loadModel, openTokenizer } from '../model/index.ts';
import { counterClass, type SimulationVector } from '../rtl/index.ts';
import { defaultModel, modelDirectory } from './files.ts';
import { tokenizerFiles } from './modelSource.ts';
import { defaultPrompt } from './prompt.ts';
import { selfTestOf } from './selfTestFiles.ts';

/** Tokens that the small model writes. */
const storyTokens = 8;
/** A run of more cycles takes a simulator too long to be worth its memory contents in every export. */
const mostCycles = 2_000_000;

/** Every vector of a machine. */
export function exportVectors(hw: HardwareModel): SimulationVector[] {
  const story = storyVector(hw);
  return [selfTestVector(hw), ...(story ? [story] : [])];
}

/** @throws LutraError SLF001 if the machine’s memory is too small */
function selfTestVector(hw: HardwareModel): SimulationVector {
  const { image, checks, counters, cycles } = selfTestOf(hw);
  return {
    ...whatIsLoaded(image, new Uint8Array()),
    name: 'selftest',
    what: `the self-test: ${checks.length} checks of memory, units and buffers, a token for each`,
    tokens: checks.map(({ token, unit, what }) => ({ token, label: `${unit}: ${what}` })),
    counters: counters.map(({ unit, cycleClass, cycles: value }) => ({
      unit: issueUnits.indexOf(unit),
      counterClass: counterClass(cycleClass),
      cycles: value,
      label: `${unit}.${cycleClass}`,
    })),
    cycles,
  };
}

/**
 * The embedded small model, which continues the prompt of `lutra run` greedily, in a program of no more positions than
 * that takes; undefined for a machine on which it does not fit, or takes too many cycles.
 */
function storyVector(hw: HardwareModel): SimulationVector | undefined {
  const directory = modelDirectory(defaultModel);
  const graph = loadModel(directory);
  const tokenizer = openTokenizer(
    { tokenizerJson: tokenizerFiles(directory).get('tokenizer.json'), origin: directory.name },
    graph,
  );
  const prompt = tokenizer.encode(defaultPrompt);
  const request = { prompt, maxNewTokens: storyTokens, temperature: 0, topK: 1, seed: 0, stopTokens: [] };
  try {
    const image = compile(graph, hw, { weights: 'pack', maxPositions: prompt.length + storyTokens });
    const pieces = tokenizer.stream();
    return imageVector(image, hw, request, {
      name: 'story',
      what: `the small model continues ${JSON.stringify(defaultPrompt)} by ${storyTokens} tokens`,
      label: (token) => pieces.push(token),
    });
  } catch (error) {
    if (error instanceof LutraError && error.exit !== 'internal') return undefined;
    throw error;
  }
}

interface Naming extends Pick<SimulationVector, 'name' | 'what'> {
  readonly label: (token: number) => string;
}

/**
 * A program and the tokens that it gives on the simulated machine.
 * @throws what the machine throws, also when it has not halted after `mostCycles`
 */
export function imageVector(
  image: ProgramImage,
  hw: HardwareModel,
  request: RunRequest,
  { name, what, label }: Naming,
): SimulationVector {
  const run = new Run(image, hw, request, { values: true, dense: false, cycleLimit: mostCycles });
  while (!run.advance(mostCycles));
  return {
    ...whatIsLoaded(image, commandBlock(request, image)),
    name,
    what,
    tokens: run.tokens.map(({ token }) => ({ token, label: label(token) })),
    counters: [],
    cycles: run.machine.cycle,
  };
}

/** What a host makes of an image, and of what the program is asked. */
function whatIsLoaded(image: ProgramImage, command: Uint8Array) {
  const isBase = ({ register }: HostWrite) => register === 'memoryLow' || register === 'memoryHigh';
  return {
    memory: memoryContents(image, command),
    memoryBytes: image.memoryBytes,
    writes: hostWrites(image, 0n).filter((write) => !isBase(write)),
  };
}

/** What a host writes to memory before a start, without the zeros at the end. */
function memoryContents(image: ProgramImage, command: Uint8Array): Uint8Array {
  const pieces = [
    { address: 0, bytes: command },
    { address: image.codeAddress, bytes: codeBytes(image) },
    ...image.segments.flatMap(({ address, bytes, data }) => (data ? [{ address, bytes: data.read(0, bytes) }] : [])),
  ];
  const memory = new Uint8Array(Math.max(...pieces.map(({ address, bytes }) => address + bytes.length)));
  for (const { address, bytes } of pieces) memory.set(bytes, address);
  return memory;
}
