import type { Command, Timing } from '../kernel/command.ts';
import { portMask } from '../kernel/ports.ts';
import { type Surroundings, Unit } from '../kernel/unit.ts';

type Eight = readonly [number, number, number, number, number, number, number, number];

const dequantisePorts = portMask.accRead | portMask.coefRead;
const option = { wide: 2, accumulate: 4 } as const;

/**
 * Vector unit: a streaming float pipeline of N lanes.
 *
 * A beat moves N elements. Operations that need two operands from one buffer port, or two passes over a row, take two
 * beats per N elements; reductions wait for their result before the second pass of the row.
 */
export class Vector extends Unit {
  constructor(around: Surroundings) {
    super('vector', around.hw.vector.queueDepth, around);
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

  protected start({ spec, values }: Command): Timing {
    const [, , , rows, elements] = values as Eight;
    const { derived } = this.around;
    const beats = this.beats(elements);
    switch (spec.name) {
      case 'vector.quantise':
        return this.quantise(values as Eight, 1);
      case 'vector.quantiseWide':
        // Two limbs are two rows: the second pass goes over the row twice.
        return this.quantise(values as Eight, 2);
      case 'vector.dequantise': {
        const [, , , , , , , options] = values as Eight;
        return streamed(rows * beats, (options & option.wide) !== 0 ? 2 : 1, derived.dequantiseLatency);
      }
      case 'vector.dequantiseGate':
        return streamed(rows * beats, 2, derived.gateLatency);
      case 'vector.dequantiseRope':
        return streamed(rows * beats, 2, derived.ropeLatency);
      case 'vector.norm': {
        const { reduceLatency, rootLatency, normLatency, inverseLatency } = derived;
        return twoPasses(rows, beats, reduceLatency + rootLatency, beats, inverseLatency + normLatency);
      }
      case 'vector.add':
      case 'vector.multiply':
        return streamed(rows * beats, 2, derived.elementwiseLatency);
      default:
        return { first: 1, finish: 1 };
    }
  }

  private beats(elements: number): number {
    return Math.ceil(elements / this.around.hw.vector.lanes);
  }

  private quantise([, , , rows, elements, dstPitch]: Eight, limbs: number): Timing {
    const { reduceLatency, scalarLatency, quantiseLatency, inverseLatency } = this.around.derived;
    const settle = reduceLatency + scalarLatency;
    const written = limbs * this.beats(dstPitch);
    return twoPasses(rows, this.beats(elements), settle, written, inverseLatency + quantiseLatency);
  }
}

/** A stream of beats of one or two cycles through a pipeline. */
function streamed(beats: number, cycles: number, latency: number): Timing {
  return { first: cycles + latency, finish: cycles * beats + latency, pipeline: latency };
}

/** Rows that are read once, settle, and are read again as they are written. */
function twoPasses(rows: number, read: number, settle: number, written: number, latency: number): Timing {
  return {
    first: read + settle + latency + 1,
    finish: rows * (read + settle + written) + latency,
    pipeline: rows * settle + latency,
  };
}
