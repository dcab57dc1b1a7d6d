/**
 * Options that several verbs share, and the checks of their values.
 */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type AttentionOrder, attentionOrders, defaultCoarseBits } from '../compiler/index.ts';
import { maximumPlanes } from '../hw/derive.ts';
import { issueUnits } from '../isa/index.ts';
import { defaultAssumedGroups } from '../machine/machine.ts';
import { maximumThreads } from '../numerics/assembly/queueLayout.ts';
import { type ExportTarget, exportTargets, knownBoards } from '../rtl/index.ts';

/** Parses a whole number in a range. */
export function integer(minimum: number, maximum = 2 ** 53 - 1) {
  return (text: string): number => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isInteger(value) || value < minimum || value > maximum) {
      const range = maximum === 2 ** 53 - 1 ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`;
      throw new InvalidArgumentError(`it takes a whole number ${range}.`);
    }
    return value;
  };
}

function temperature(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0 || value > 100) {
    throw new InvalidArgumentError('it takes a number from 0 (greedy) to 100.');
  }
  return value;
}

/** Parses a number above 0. */
function positive(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0) {
    throw new InvalidArgumentError('it takes a number above 0.');
  }
  return value;
}

/** Keeps every value of an option that may be repeated. */
export const collect = (value: string, previous: string[]) => [...previous, value];

export interface HardwareOptions {
  /** Undefined: the one that the program names, or the default. */
  readonly hw?: string;
  readonly set: readonly string[];
}

export interface CompileOptions {
  readonly weights?: string;
  readonly fuse: boolean;
  readonly headBits?: number;
  readonly rowGroups?: number;
  readonly head?: 'exact' | 'two-pass';
  readonly headCoarseBits?: number;
  readonly rowsPerPass?: number;
  readonly tileColumns?: number;
  readonly maxPositions?: number;
  readonly activations?: 'on-chip' | 'spilled';
  readonly attentionOrder?: AttentionOrder;
  readonly timingOnly?: boolean;
  /** Only the matrix products: a host does the rest. */
  readonly coprocessor?: boolean;
  /** Threads that pack weights, and that compute values. Default: one per core. */
  readonly threads?: number;
  readonly profileHost?: boolean;
  /** False: packed programs are neither taken from the cache directory nor kept there. */
  readonly cache?: boolean;
}

export interface OutputOptions {
  readonly json?: boolean;
  readonly force?: boolean;
}

/** What the host asks of a program. */
export interface RequestOptions {
  readonly prompt?: string;
  readonly promptTokens?: number;
  readonly chat?: boolean;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topK: number;
  readonly seed: number;
  readonly ignoreStop?: boolean;
}

/** Traces, each true without a file name, and the part of the run that they hold. */
export interface TraceOptions {
  readonly traceJsonl?: string | true;
  readonly tracePerfetto?: string | true;
  readonly traceVcd?: string | true;
  readonly traceFst?: string | true;
  readonly traceFrom?: number;
  readonly traceTo?: number;
  readonly traceUnits?: string;
  readonly traceToken?: number;
  readonly traceLayer?: number;
}

export interface RunVerbOptions extends HardwareOptions, CompileOptions, OutputOptions, RequestOptions, TraceOptions {
  readonly dense?: boolean;
  readonly threads?: number;
  readonly headGroups?: number;
  readonly maxCycles?: number;
  readonly out?: string;
}

export interface DebugVerbOptions extends HardwareOptions, CompileOptions, RequestOptions {
  readonly headGroups?: number;
  readonly maxCycles?: number;
  /** File of commands instead of standard input. */
  readonly commands?: string;
  readonly strict?: boolean;
  /** Mebibytes for earlier states. */
  readonly snapshotMemory: number;
}

export interface CompileVerbOptions extends HardwareOptions, CompileOptions, OutputOptions {
  readonly out: string;
}

export interface AsmVerbOptions extends HardwareOptions, OutputOptions {
  readonly out: string;
}

export interface RtlVerbOptions extends HardwareOptions, OutputOptions {
  readonly out?: string;
  readonly export?: ExportTarget | 'all';
  readonly board?: string;
  readonly check?: boolean;
  readonly resources?: boolean;
  readonly place?: boolean;
  /** Rows of the table of resources or of the placements; empty: all. */
  readonly unit: readonly string[];
  readonly tableForms?: boolean;
  readonly crossCheck?: boolean;
}

export interface CosimVerbOptions extends HardwareOptions, CompileOptions, OutputOptions, RequestOptions {
  readonly maxCycles?: number;
  readonly disturb?: number;
  readonly faults?: number;
  readonly waveform?: string;
  readonly engine: 'auto' | 'verilator' | 'cxxrtl';
  readonly unit?: string;
  readonly vectors?: string;
}

export interface HostVerbOptions extends HardwareOptions, CompileOptions, OutputOptions, RequestOptions {
  readonly device: 'machine' | 'verilog' | 'bridge';
  /** Command that serves a board's accelerator on its standard input and output. */
  readonly bridge?: string;
  readonly engine: 'auto' | 'verilator' | 'cxxrtl';
  readonly status?: boolean;
  readonly stop?: boolean;
  readonly selfTest?: boolean;
  readonly verify?: boolean;
  /** Cycles. */
  readonly watchdog?: number;
  /** Seconds of the device's time. */
  readonly timeout: number;
  /** Milliseconds of the device's time. */
  readonly poll: number;
}

/** `byDefault` says in words what is taken without --hw. */
export function addHardwareOptions(command: Command, byDefault: string): Command {
  return command.option('--hw <file>', `hardware model (default: ${byDefault})`).addOption(setOption());
}

export function setOption(): Option {
  return new Option('--set <field=value>', 'override one field of the hardware model (repeatable)')
    .argParser(collect)
    .default([], 'none');
}

export function addCompileOptions(command: Command): Command {
  return command
    .option('--weights <source>', 'synthetic:SEED for a config.json without weights')
    .option('--timing-only', 'cycles without values: needs no weights')
    .option('--no-fuse', 'load no weights while float or attention work runs (to see what hiding is worth)')
    .option(
      '--head-bits <bits>',
      'bits per weight of the output head, 1 to 12 (default: 10)',
      integer(1, maximumPlanes),
    )
    .option(
      '--row-groups <groups>',
      'groups of prompt tokens that take turns in a layer, 1 or 2 (default: 2 where they fit)',
      integer(1, 2),
    )
    .addOption(
      new Option(
        '--head <passes>',
        'two-pass: a coarse pass over all rows selects those that are scored exactly; the same greedy text (default: exact)',
      ).choices(['exact', 'two-pass']),
    )
    .option(
      '--head-coarse-bits <bits>',
      `bits per weight of the coarse pass (default: ${defaultCoarseBits})`,
      integer(1, maximumPlanes - 1),
    )
    .option('--rows-per-pass <rows>', 'prompt tokens processed together (default: as many as fit)', integer(1, 256))
    .option(
      '--tile-columns <columns>',
      'most columns of a tile, to see what rebuilding the tables costs (default: as many as pay)',
      integer(1),
    )
    .addOption(
      new Option(
        '--activations <place>',
        'a few rows at a time through all layers, or all rows through each operation, activations in memory (default: on-chip)',
      ).choices(['on-chip', 'spilled']),
    )
    .addOption(
      new Option(
        '--attention-order <order>',
        'with spilled activations: the last queries first, or the first ones with masked work done (default: reversed)',
      ).choices([...attentionOrders]),
    )
    .option('--max-positions <positions>', 'longest context the program serves (default: the model’s)', integer(1))
    .option(
      '--coprocessor',
      'only the matrix products of --rows-per-pass rows (default: 1) and of a coarse ternary head; a host does the rest',
    )
    .option('--no-cache', 'pack the model even if it was packed before, and keep nothing in the cache directory');
}

export function addRtlOptions(command: Command): Command {
  return command
    .option('-o, --out <directory>', 'directory to write the Verilog to')
    .addOption(
      new Option(
        '--export <target>',
        'write a whole project for the vendor’s tool instead of the Verilog alone',
      ).choices([...exportTargets, 'all']),
    )
    .option(
      '--board <name>',
      `with --export: for this board, ${knownBoards.join(', ')} (default: the one that the hardware model names)`,
    )
    .option(
      '--check',
      'with --export: check what was written as far as that goes without the vendor’s tool (needs tclsh, verilator, dtc, make)',
    )
    .option('--force', 'replace an earlier Verilog directory or export')
    .option('--resources', 'synthesise unit by unit with yosys and print what each costs on the board’s device')
    .option('--place', 'place and route unit by unit with yosys and nextpnr on an iCE40, and print the clocks')
    .addOption(
      new Option('--unit <name>', 'with --resources or --place: only this unit (repeatable)')
        .argParser(collect)
        .default([], 'all'),
    )
    .option('--table-forms', 'with --resources: the engine alone, with each of the three forms of tables')
    .option('--cross-check', 'with --resources: also LUT and FF on 7 series, as a second opinion')
    .option('--json', 'print one JSON object instead of text');
}

function addRequestOptions(command: Command, maxTokens: number): Command {
  return command
    .option('--prompt <text>', 'text to continue')
    .option('--prompt-tokens <count>', 'a prompt of that many arbitrary tokens, for timing', integer(1))
    .option('--chat', 'the prompt is a message: apply the model’s chat template')
    .option('--max-tokens <count>', 'new tokens at most', integer(1), maxTokens)
    .option('--temperature <t>', 'randomness of the choice of tokens; 0 is none (greedy)', temperature, 0)
    .option(
      '--top-k <k>',
      'choose among the k likeliest tokens, at most the sampler’s candidates',
      integer(1, 1024),
      40,
    )
    .option('--seed <seed>', 'seed of the sampler', integer(0, 2 ** 32 - 1), 0)
    .option('--ignore-stop', 'go on after the model’s stop token');
}

export function addCosimOptions(command: Command): Command {
  return addRequestOptions(command, 8)
    .option('--max-cycles <cycles>', 'compare that many cycles and stop', integer(1))
    .option('--disturb <seed>', 'random back-pressure and latency of memory, the same for both sides', integer(0))
    .option(
      '--faults <count>',
      'inject so many faults, each followed by a run without one (--disturb: first seed)',
      integer(1),
    )
    .option('--waveform <file>', 'where to write the waveform of both sides around a difference (VCD)')
    .addOption(engineOption('simulator of the Verilog; auto: verilator where it is installed'))
    .option('--unit <name>', 'a float operation alone, by its TestFloat name (f32_add), with --vectors')
    .option('--vectors <file>', 'test vectors in the text format of Berkeley TestFloat')
    .option('--force', 'replace earlier output')
    .option('--json', 'print one JSON object instead of text');
}

export function addDebugOptions(command: Command): Command {
  return addRequestOptions(command, 160)
    .option('-x, --commands <file>', 'take commands from a file instead of standard input')
    .option('--strict', 'stop with exit code 3 at a command that is wrong (default: say so and go on)')
    .option('--snapshot-memory <MiB>', 'memory for the states to go back to', integer(1, 2 ** 20), 256)
    .addOption(headGroupsOption())
    .option('--max-cycles <cycles>', 'end the run when it gets there', integer(1));
}

export function addHostOptions(command: Command): Command {
  return addRequestOptions(command, 160)
    .addOption(
      new Option(
        '--device <device>',
        'the simulated machine, its Verilog (every cycle compared with the machine), or a board behind --bridge',
      )
        .choices(['machine', 'verilog', 'bridge'])
        .default('machine'),
    )
    .option('--bridge <command>', 'command that serves the board’s accelerator on its standard input and output')
    .addOption(engineOption('with --device verilog: its simulator; auto: verilator where it is installed'))
    .option('--status', 'print the registers and run nothing')
    .option('--stop', 'stop what runs, and run nothing')
    .option('--self-test', 'run the self-test of the hardware model instead of a program')
    .option('--verify', 'read memory back after loading and compare')
    .option(
      '--watchdog <cycles>',
      'cycles without a token after which the hardware stops the run, rounded up to 1024 (default: none)',
      integer(1, 1024 * (2 ** 32 - 1)),
    )
    .option('--timeout <seconds>', 'the device’s time without a token after which the host gives up', positive, 60)
    .option('--poll <milliseconds>', 'the device’s time between two looks for tokens, at most', positive, 1)
    .option(
      '--threads <threads>',
      'threads that compute values and pack weights (default: one per core)',
      integer(1, maximumThreads),
    )
    .option('--json', 'print one JSON object instead of text');
}

function engineOption(description: string): Option {
  return new Option('--engine <engine>', description).choices(['auto', 'verilator', 'cxxrtl']).default('auto');
}

function headGroupsOption(): Option {
  return new Option(
    '--head-groups <groups>',
    `with --timing-only and --head two-pass: groups of rows that are scored for a token (default: ${defaultAssumedGroups})`,
  ).argParser(integer(0, 65_536));
}

export function addRunOptions(command: Command): Command {
  return addRequestOptions(command, 160)
    .option(
      '--threads <threads>',
      'threads that compute values and pack weights (default: one per core)',
      integer(1, maximumThreads),
    )
    .option('--profile-host', 'say where the time of the simulation itself went; with --out also host.cpuprofile')
    .option('--dense', 'evaluate every unit in every cycle (slow; same result)')
    .addOption(headGroupsOption())
    .option('--max-cycles <cycles>', 'stop with exit code 1 when the run gets there', integer(1))
    .option('--json', 'print one JSON object instead of text')
    .option('-o, --out <directory>', 'write a run directory')
    .option('--force', 'replace earlier output')
    .option(
      '--trace-perfetto [file]',
      'write a trace for ui.perfetto.dev (default: trace.pftrace in the run directory)',
    )
    .option('--trace-vcd [file]', 'write waveforms for GTKWave and Surfer (default: trace.vcd in the run directory)')
    .option('--trace-fst [file]', 'write waveforms, compressed (default: trace.fst in the run directory)')
    .option(
      '--trace-jsonl [file]',
      'write one JSON line per instruction, stretch of cycles and token (default: trace.jsonl in the run directory)',
    )
    .option('--trace-from <cycle>', 'first cycle of the traces', integer(0))
    .option('--trace-to <cycle>', 'first cycle that is not in the traces any more', integer(0))
    .option('--trace-units <units>', `only these units in the traces, separated by commas: ${issueUnits.join(', ')}`)
    .option('--trace-token <number>', 'only what belongs to this token in the traces, counted from 0', integer(0))
    .option('--trace-layer <number>', 'only what belongs to this layer in the traces', integer(0));
}
