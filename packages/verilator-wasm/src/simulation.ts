import { SimulationError } from './errors.ts';
import { Heap } from './heap.ts';
import { Memory } from './memory.ts';
import type { InstanceOptions } from './options.ts';
import { Port, Signal } from './port.ts';
import { wasiImports } from './wasi.ts';

/** What a model tells about itself; the addresses are those of one instance. */
interface Description {
  readonly ports: readonly { name: string; output: number; width: number; address: number }[];
  /** `mirror` is a second place that a written value must reach, where the engine keeps two. */
  readonly signals: readonly {
    scope: string;
    name: string;
    width: number;
    address: number;
    mirror?: number;
    ranges: [number, number][];
  }[];
}

interface Exports {
  readonly memory: WebAssembly.Memory;
  _initialize(): void;
  vw_create(seed: number, randomReset: number): void;
  vw_describe(): number;
  vw_eval(): number;
  vw_tick?(): number;
  vw_run?(cycles: number): number;
  vw_finished(): number;
  vw_trace_start?(): void;
  vw_trace_stop?(): void;
}

/** What the compiled module knows that its instances need. */
export interface ModelFacts {
  readonly randomReset: 0 | 1 | 2;
  /** Bytes that the engine uses for a value of so many bits. */
  readonly bytesOf: (width: number) => number;
  /** The engine's spelling of a hierarchical name into the Verilog's, from the top module's inside. */
  readonly nameOf: (scope: string, name: string) => string;
}

/** A waveform while it is recorded. */
export interface Trace {
  /** Begins a new waveform with the present state. Throws when compiled without `trace`, or already begun. */
  start(): void;
  /** Ends it; returns the text of a VCD file. The clock's period is 10 units, the rising edges at multiples of 10. */
  stop(): Uint8Array;
  readonly running: boolean;
}

/** One copy of the design with its own state. */
export interface Simulation {
  /** Every port of the top module, in no particular order. */
  readonly ports: readonly Port[];
  /** The port of that name. Throws RangeError when there is none. */
  port(name: string): Port;
  /** A public register by its path within the top module, e.g. `u_core.state_q` or `g_lane[3].count_q`. */
  signal(path: string): Signal;
  /** A public array by its path within the top module. */
  memory(path: string): Memory;
  /** Paths of all public registers and arrays. */
  readonly publicPaths: readonly string[];
  /** Lets everything settle with the inputs as they are; a clock that the caller changed acts on its edge. */
  eval(): void;
  /** One cycle: inputs settle with the clock low, the clock rises, outputs settle. The clock stays high. */
  tick(): void;
  /** Cycles with unchanged inputs, fewer if the design calls `$finish`; returns how many. */
  run(cycles: number): number;
  /** Cycles run by `tick` and `run`. */
  readonly cycles: number;
  /** The design has called `$finish`. */
  readonly finished: boolean;
  readonly trace: Trace;
}

/** Makes a fresh instance: a few milliseconds, no state shared with any other. */
export function instantiate(module: WebAssembly.Module, facts: ModelFacts, options: InstanceOptions): Simulation {
  const pieces: Uint8Array[] = [];
  let heap: Heap | undefined;
  const theHeap = () => {
    if (heap === undefined) throw new Error('the model called its host before it was made');
    heap.refresh();
    return heap;
  };
  const wasiNames = WebAssembly.Module.imports(module)
    .filter((entry) => entry.module === 'wasi_snapshot_preview1')
    .map(({ name }) => name);
  const instance: WebAssembly.Instance = new WebAssembly.Instance(module, {
    wasi_snapshot_preview1: wasiImports(wasiNames, {
      print: options.print ?? (() => {}),
      files: options.files ?? {},
      memory: () => instance.exports.memory as WebAssembly.Memory,
    }),
    vw: {
      trace: (address: number, length: number) => pieces.push(theHeap().u8.slice(address, address + length)),
      fatal: (file: number, line: number, message: number) => {
        throw new SimulationError(theHeap().text(file), line, theHeap().text(message));
      },
    },
  });
  const model = instance.exports as unknown as Exports;
  heap = new Heap(model.memory);
  model._initialize();
  model.vw_create(seedOf(options.seed ?? 1), facts.randomReset);
  heap.refresh();
  const at = model.vw_describe();
  heap.refresh();
  const description = JSON.parse(heap.text(at)) as Description;
  return simulationOf(model, heap, description, facts, pieces);
}

/** Verilator takes a seed of 0 as "choose one yourself". */
function seedOf(seed: number): number {
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 31) throw new RangeError(`seed ${seed} is not in 0 … 2^31-1`);
  return seed === 0 ? 0x5eed : seed;
}

function simulationOf(
  model: Exports,
  heap: Heap,
  description: Description,
  facts: ModelFacts,
  pieces: Uint8Array[],
): Simulation {
  const ports = description.ports.map(
    ({ name, output, width, address }) =>
      new Port(heap, {
        name,
        width,
        address,
        bytes: facts.bytesOf(width),
        direction: output === 1 ? 'output' : 'input',
      }),
  );
  const portByName = new Map(ports.map((port) => [port.name, port]));
  const signals = new Map<string, Signal>();
  const memories = new Map<string, Memory>();
  for (const { scope, name, width, address, mirror, ranges } of description.signals) {
    const path = facts.nameOf(scope, name);
    const info = { name: path, width, address, bytes: facts.bytesOf(width) };
    if (ranges.length === 0) signals.set(path, new Signal(heap, mirror === undefined ? info : { ...info, mirror }));
    else memories.set(path, new Memory(heap, { ...info, ranges }));
  }
  const publicPaths = [...signals.keys(), ...memories.keys()].sort();
  let cycles = 0;
  let tracing = false;
  const pagesAfter = (pages: number) => {
    if (pages !== heap.pages) heap.refresh();
  };
  const tick = model.vw_tick;
  const runCycles = model.vw_run;
  const noClock = () => new Error('the module was compiled without a clock: name one with the option clock');

  return {
    ports,
    publicPaths,
    port: (name) => found(portByName, name, 'port'),
    signal: (path) => found(signals, path, 'public register'),
    memory: (path) => found(memories, path, 'public array'),
    eval() {
      pagesAfter(model.vw_eval());
    },
    tick() {
      if (tick === undefined) throw noClock();
      pagesAfter(tick());
      cycles++;
    },
    run(count) {
      if (runCycles === undefined) throw noClock();
      if (!Number.isInteger(count) || count < 0 || count >= 2 ** 32) throw new RangeError(`cannot run ${count} cycles`);
      const done = runCycles(count) >>> 0;
      heap.refresh();
      cycles += done;
      return done;
    },
    get cycles() {
      return cycles;
    },
    get finished() {
      return model.vw_finished() !== 0;
    },
    trace: {
      start() {
        if (model.vw_trace_start === undefined) throw new Error("compile with trace: 'vcd' to record a waveform");
        if (tracing) throw new Error('a waveform is being recorded already');
        pieces.length = 0;
        model.vw_trace_start();
        heap.refresh();
        tracing = true;
      },
      stop() {
        if (model.vw_trace_stop === undefined || !tracing) throw new Error('no waveform is being recorded');
        model.vw_trace_stop();
        heap.refresh();
        tracing = false;
        return new Uint8Array(Buffer.concat(pieces.splice(0)));
      },
      get running() {
        return tracing;
      },
    },
  };
}

function found<T>(map: ReadonlyMap<string, T>, name: string, what: string): T {
  const value = map.get(name);
  if (value === undefined) {
    const names = [...map.keys()];
    const some = names.slice(0, 12).join(', ') + (names.length > 12 ? `, … (${names.length})` : '');
    throw new RangeError(`there is no ${what} ${name}; there is: ${some || 'none'}`);
  }
  return value;
}
