import {
  encodeAdd,
  encodeAppend,
  encodeDequantise,
  encodeGate,
  encodeMultiply,
  encodeNorm,
  encodeQuantise,
  encodeRope,
  encodeScan,
} from '../../numerics/fastRowRecords.ts';
import { dequantiseRun, elementwiseRun, gateRun, normalisedRun, ropeRun } from './operands.ts';

/** Fills in the record of an operation that the kernels do. */
export type Encode = (words: Int32Array, at: number, operands: readonly number[]) => void;

type Five = readonly [number, number, number, number, number];

const always: Readonly<Record<string, Encode>> = {
  'vector.quantise': (words, at, operands) => encodeQuantise(words, at, normalisedRun(operands), false),
  'vector.quantiseWide': (words, at, operands) => encodeQuantise(words, at, normalisedRun(operands), true),
  'vector.dequantise': (words, at, operands) => encodeDequantise(words, at, dequantiseRun(operands)),
  'vector.dequantiseGate': (words, at, operands) => encodeGate(words, at, gateRun(operands)),
  'vector.dequantiseRope': (words, at, operands) => encodeRope(words, at, ropeRun(operands)),
  'vector.norm': (words, at, operands) => encodeNorm(words, at, normalisedRun(operands)),
  'vector.add': (words, at, operands) => encodeAdd(words, at, elementwiseRun(operands)),
  'vector.multiply': (words, at, operands) => encodeMultiply(words, at, elementwiseRun(operands)),
  'kvStore.append': (words, at, operands) => {
    const [src, dst, rows, elements, pitch] = operands as Five;
    encodeAppend(words, at, src, rows, elements, pitch, dst);
  },
};

const scan: Encode = (words, at, operands) => {
  const [src, elements, firstToken] = operands as Five;
  encodeScan(words, at, src, elements, firstToken);
};

/** The records of instructions, by name; without `withScan` logits are looked at by somebody else too. */
export function encoders(withScan: boolean): Readonly<Record<string, Encode>> {
  return withScan ? { ...always, 'sampler.scan': scan } : always;
}
