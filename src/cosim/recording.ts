import type { Port, Simulation } from 'verilator-wasm';

/** What went into a simulation and came out of it, to be had again from another one. */
export interface Recording {
  /** The input ports, and after them the output ports, in the order of their words. */
  readonly inputs: readonly PortShape[];
  readonly outputs: readonly PortShape[];
  /** Words of all inputs before each evaluation. */
  readonly words: Uint32Array;
  readonly evaluations: number;
  /** Of all outputs after each evaluation. */
  readonly digest: number;
  /** Of the evaluations alone. */
  readonly milliseconds: number;
}

export interface PortShape {
  readonly name: string;
  /** In bits. */
  readonly width: number;
}

/** A simulation whose evaluations are recorded. */
export interface RecordedSimulation {
  readonly simulation: Simulation;
  readonly recording: () => Recording;
}

/** Seeds the digest; `digestStep` is one step of FNV-1a on words. */
export const digestSeed = 0x811c9dc5;
const digestPrime = 0x01000193;

/** `simulation`, which remembers what `eval` was given and what came out. Other ways to move time are refused. */
export function recorded(simulation: Simulation): RecordedSimulation {
  const inputs = simulation.ports.filter(({ direction }) => direction === 'input');
  const outputs = simulation.ports.filter(({ direction }) => direction === 'output');
  const perEvaluation = inputs.reduce((sum, port) => sum + wordsOf(port), 0);
  let words = new Uint32Array(perEvaluation * 4096);
  let [evaluations, digest, milliseconds] = [0, digestSeed, 0];
  const evaluate = () => {
    let at = evaluations * perEvaluation;
    if (at === words.length) {
      const larger = new Uint32Array(2 * words.length);
      larger.set(words);
      words = larger;
    }
    for (const port of inputs) {
      if (port.width <= 32) words[at] = port.get();
      else words.set(port.words, at);
      at += wordsOf(port);
    }
    const begun = performance.now();
    simulation.eval();
    milliseconds += performance.now() - begun;
    for (const port of outputs) {
      if (port.width <= 32) digest = Math.imul(digest ^ port.get(), digestPrime);
      else for (const word of port.words) digest = Math.imul(digest ^ word, digestPrime);
    }
    evaluations += 1;
  };
  const shapes = (ports: readonly Port[]) => ports.map(({ name, width }) => ({ name, width }));
  return {
    simulation: Object.create(simulation, { eval: { value: evaluate } }) as Simulation,
    recording: () => ({
      inputs: shapes(inputs),
      outputs: shapes(outputs),
      words: words.subarray(0, evaluations * perEvaluation),
      evaluations,
      digest: digest >>> 0,
      milliseconds,
    }),
  };
}

/** Words that a port's value takes in a recording. */
export function wordsOf({ width }: PortShape): number {
  return Math.ceil(width / 32);
}
