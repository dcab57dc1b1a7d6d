/** Ablation of the program: one loop for every position, or one program for each bucket of positions. */
import { compile } from '../../compiler/index.ts';
import { bytesPerInstruction } from '../../isa/table.ts';
import type { PaperInputs } from '../inputs.ts';
import type { Ablation } from './ablation.ts';
import { issuedPerToken } from './issued.ts';

const positions = 2048;
/** FlightLLM compiles its decode steps for buckets of this many positions. */
const bucket = 16;

/**
 * Instruction bytes of LLaMA2-7B. A program without loops has the instructions that the looped one issues; that of a
 * bucket has to serve its longest context.
 */
export function programs({ hardware, graph }: PaperInputs): Ablation[] {
  const hw = hardware('kv260', ['kvStore.format=float16']);
  const image = compile(graph('llama2-7b'), hw, { weights: 'none', maxPositions: positions });
  const issued = issuedPerToken(image, positions);
  const looped = image.code.length * bytesPerInstruction;
  const bytesOf = (index: number) =>
    Math.max(...issued.slice(index * bucket, (index + 1) * bucket)) * bytesPerInstruction;
  const buckets = Array.from({ length: positions / bucket }, (_, index) => bytesOf(index));
  const total = buckets.reduce((sum, bytes) => sum + bytes, 0);

  const source = 'FlightLLM, LLaMA2-7B: 2.7 to 3.5 MB for a decode step, one program for each bucket of 16 positions';
  const ablation = (figure: string, bytes: number): Ablation => ({
    name: 'program',
    figure,
    unit: 'bytes',
    forms: [
      { form: 'per bucket, without loops', how: 'counted', value: bytes },
      { form: 'one looped program', how: 'lutra compile', value: looped },
    ],
    source,
  });
  return [
    ablation('instructions of a decode step, context 128', bytesOf(128 / bucket - 1)),
    ablation('instructions of a decode step, context 1,536', bytesOf(1536 / bucket - 1)),
    ablation('instructions of all decode steps to 2,048', total),
  ];
}
