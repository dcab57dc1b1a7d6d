import { decodeFloat } from '../../base/float.ts';
import { gateFunctions } from '../../hw/operands.ts';
import {
  add,
  createVectorArithmetic,
  dequantise,
  dequantiseGate,
  dequantiseRope,
  multiply,
  norm,
  quantise,
  type VectorArithmetic,
} from '../../numerics/vector.ts';
import type { Command, Timing } from '../kernel/command.ts';
import { portMask } from '../kernel/ports.ts';
import { type Surroundings, Unit } from '../kernel/unit.ts';

type Eight = readonly [number, number, number, number, number, number, number, number];
type Nine = readonly [...Eight, number];

const dequantisePorts = portMask.accRead | portMask.coefRead;
const option = { columns: 1, wide: 2, accumulate: 4 } as const;

/**
 * Vector unit: a streaming float pipeline of N lanes.
 *
 * A beat moves N elements. Operations that need two operands from one buffer port, or two passes over a row, take two
 * beats per N elements; reductions wait for their result before the second pass of the row.
 */
export class Vector extends Unit {
  private readonly arithmetic: VectorArithmetic;

  constructor(around: Surroundings) {
    super('vector', around.hw.vector.queueDepth, around);
    this.arithmetic = createVectorArithmetic(around.hw.vector);
  }

  protected portsFor(command: Command): number {
    const { act } = this.around.ports;
    // dst, src or a, b.
    const [dst, second, third] = command.values as readonly [number, number, number];
    switch (command.spec.name) {
      case 'vector.sync':
        return 0;
      case 'vector.quantise':
      case 'vector.quantiseWide':
        return act.read(second) | portMask.coefRead | portMask.inputWrite;
      case 'vector.dequantise': {
        const accumulated = (command.values[7] as number) & option.accumulate ? act.read(dst) : 0;
        return act.write(dst) | accumulated | dequantisePorts;
      }
      case 'vector.dequantiseGate':
      case 'vector.dequantiseRope':
        return act.write(dst) | dequantisePorts;
      case 'vector.norm':
        return act.read(second) | act.write(dst) | portMask.coefRead;
      default:
        return act.read(second) | act.read(third) | act.write(dst);
    }
  }

  protected start(command: Command): Timing {
    switch (command.spec.name) {
      case 'vector.quantise':
        return this.quantise(command.values as Eight, false);
      case 'vector.quantiseWide':
        return this.quantise(command.values as Eight, true);
      case 'vector.dequantise':
        return this.dequantise(command.values as Eight);
      case 'vector.dequantiseGate':
        return this.gate(command.values as Nine);
      case 'vector.dequantiseRope':
        return this.rope(command.values as Nine);
      case 'vector.norm':
        return this.norm(command.values as Eight);
      case 'vector.add':
      case 'vector.multiply':
        return this.elementwise(command);
      default:
        return { first: 1, finish: 1 };
    }
  }

  private beats(elements: number): number {
    return Math.ceil(elements / this.around.hw.vector.lanes);
  }

  private quantise([dst, src, gain, rows, elements, dstPitch, srcPitch, epsilonBits]: Eight, wide: boolean): Timing {
    const { derived, buffers, values } = this.around;
    const epsilon = decodeFloat('float32', epsilonBits);
    const run = { dst, src, gain, rows, elements, dstPitch, srcPitch, epsilon };
    if (values) quantise(this.arithmetic, run, wide, buffers);
    const { reduceLatency, scalarLatency, quantiseLatency, inverseLatency } = derived;
    // Two limbs are two rows: the second pass goes over the row twice.
    const written = (wide ? 2 : 1) * this.beats(dstPitch);
    const settle = reduceLatency + scalarLatency;
    return twoPasses(rows, this.beats(elements), settle, written, inverseLatency + quantiseLatency);
  }

  private dequantise([dst, src, scale, rows, elements, dstPitch, srcPitch, options]: Eight): Timing {
    const { derived, buffers, values } = this.around;
    const wide = (options & option.wide) !== 0;
    const columns = (options & option.columns) !== 0;
    const accumulate = (options & option.accumulate) !== 0;
    const run = { dst, src, scale, rows, elements, dstPitch, srcPitch, columns, wide, accumulate };
    if (values) dequantise(this.arithmetic, run, buffers);
    return streamed(rows * this.beats(elements), wide ? 2 : 1, derived.dequantiseLatency);
  }

  private gate([dst, src, scale, rows, elements, dstPitch, srcPitch, gate, upOffset]: Nine): Timing {
    const { derived, buffers, values } = this.around;
    const run = { dst, src, scale, rows, elements, dstPitch, srcPitch, upOffset };
    const name = gateFunctions[gate] as (typeof gateFunctions)[number];
    if (values) dequantiseGate(this.arithmetic, { ...run, function: name }, buffers);
    return streamed(rows * this.beats(elements), 2, derived.gateLatency);
  }

  private rope([dst, src, scale, rows, elements, dstPitch, srcPitch, headDimension, table]: Nine): Timing {
    const { derived, buffers, values } = this.around;
    const run = { dst, src, scale, rows, elements, dstPitch, srcPitch, headDimension, table };
    if (values) dequantiseRope(this.arithmetic, run, buffers);
    return streamed(rows * this.beats(elements), 2, derived.ropeLatency);
  }

  private norm([dst, src, gain, rows, elements, dstPitch, srcPitch, epsilonBits]: Eight): Timing {
    const { derived, buffers, values } = this.around;
    const run = { dst, src, gain, rows, elements, dstPitch, srcPitch, epsilon: decodeFloat('float32', epsilonBits) };
    if (values) norm(this.arithmetic, run, buffers);
    const { reduceLatency, rootLatency, normLatency, inverseLatency } = derived;
    const beats = this.beats(elements);
    return twoPasses(rows, beats, reduceLatency + rootLatency, beats, inverseLatency + normLatency);
  }

  private elementwise(command: Command): Timing {
    const { derived, buffers, values } = this.around;
    const [dst, a, b, rows, elements, pitch] = command.values as Eight;
    const operation = command.spec.name === 'vector.add' ? add : multiply;
    if (values) operation(this.arithmetic, { dst, a, b, rows, elements, pitch }, buffers);
    return streamed(rows * this.beats(elements), 2, derived.elementwiseLatency);
  }
}

/** A stream of beats of one or two cycles through a pipeline. */
function streamed(beats: number, cycles: number, latency: number): Timing {
  return { first: cycles + latency, finish: cycles * beats + latency, parts: new Map([['pipeline', latency]]) };
}

/** Rows that are read once, settle, and are read again as they are written. */
function twoPasses(rows: number, read: number, settle: number, written: number, latency: number): Timing {
  return {
    first: read + settle + latency + 1,
    finish: rows * (read + settle + written) + latency,
    parts: new Map([['pipeline', rows * settle + latency]]),
  };
}
