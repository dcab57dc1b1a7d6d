/** Weight words as they lie in the buffer, slice behind slice, and the products that read them. */
import { LutraError } from '../../base/diagnostics.ts';
import type { Derived } from '../../hw/derive.ts';
import { type Alphabet, alphabets } from '../../hw/operands.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import { separateSlices, tileSlices } from '../../hw/slices.ts';
import { lutMatmul } from '../../numerics/matmul.ts';
import { wordLayout } from '../../numerics/pack.ts';
import type { Buffers } from '../kernel/buffers.ts';
import type { Command } from '../kernel/command.ts';
import type { MemoryStore } from '../kernel/store.ts';
import { matmulRun } from './operands.ts';

interface Inputs {
  readonly hw: HardwareModel;
  readonly derived: Derived;
  readonly buffers: Buffers;
  readonly store: MemoryStore;
}

/** `weightBuffer.load`. */
export function loadWeights({ buffers, store, derived }: Inputs, operands: readonly number[]): void {
  const [dst, src, words, alphabet] = operands as readonly [number, number, number, number];
  const { wordBytes, weightSlices } = derived;
  const { sliceBytes } = derived[alphabets[alphabet] as Alphabet];
  const tile = tileSlices(words, sliceBytes, derived);
  buffers.weightAlphabets.fill(1 + alphabet, dst, dst + words);
  const packed = separateSlices(tile, store.read(src, weightSlices * tile.bytes), 0);
  for (let slice = 0; slice < weightSlices; slice++) {
    let to = dst * wordBytes + slice * sliceBytes;
    const end = slice * tile.bytes + words * sliceBytes;
    for (let from = slice * tile.bytes; from < end; from += sliceBytes, to += wordBytes) {
      for (let i = 0; i < sliceBytes; i++) buffers.weights[to + i] = packed[from + i]!;
    }
  }
}

/** `matmul.run`. Throws LutraError MCH009 if words were loaded as those of another alphabet. */
export function runTile(inputs: Inputs, operands: readonly number[], command: Command): void {
  const { hw, derived, buffers } = inputs;
  const [input, weights, output, , blocks, steps, alphabet, planes] = operands as Ten;
  checkAlphabet(buffers, command, weights, blocks * planes * steps, alphabet);
  lutMatmul(
    wordLayout(hw, derived),
    matmulRun(operands, hw, derived),
    buffers.input,
    input,
    buffers.weights,
    weights * derived.wordBytes,
    derived.wordBytes,
    buffers.acc,
    output,
  );
}

/** The indices of words that were loaded as those of another alphabet mean something else. */
function checkAlphabet(
  { weightAlphabets }: Buffers,
  command: Command,
  weights: number,
  words: number,
  alphabet: number,
): void {
  for (let word = weights; word < weights + words; word++) {
    if (weightAlphabets[word] === 0 || weightAlphabets[word] === 1 + alphabet) continue;
    throw wrongAlphabet(command, word, alphabet, weightAlphabets[word]! - 1);
  }
}

export function wrongAlphabet(command: Command, word: number, wanted: number, loaded: number): LutraError {
  return new LutraError({
    code: 'MCH009',
    message: `instruction ${command.pc} (matmul.run) takes weight word ${word} for ${alphabets[wanted]}, but it was loaded as ${alphabets[loaded]}`,
    hint: 'run words with the alphabet of their load',
  });
}

type Ten = readonly [number, number, number, number, number, number, number, number, number, number];
