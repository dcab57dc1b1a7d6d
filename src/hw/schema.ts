/**
 * The schema of a hardware model: one JSON file that describes one accelerator.
 *
 * It gives the TypeScript type (`HardwareModel`), the JSON Schema for editors, the documentation page
 * (`docs/hardware-model.md`) and the field checks. Rules that relate fields to each other are in `rules.ts`;
 * everything that can be computed from the fields is in `derive.ts`, and nowhere else.
 */
import { z } from 'zod';
import { floatFormatNames } from '../base/float.ts';
import { energySchema } from './energySchema.ts';
import { memoryDeviceNames } from './memoryDevices.ts';

// A description may end with its unit in brackets; the documentation page gives units a column of their own.
const count = (description: string, maximum = 2 ** 24) => z.int().min(1).max(maximum).describe(description);
const countOrZero = (description: string, maximum = 2 ** 24) => z.int().min(0).max(maximum).describe(description);
/** The marker is read by `fields.ts`; `rules.ts` makes a rule of it. */
const powerOfTwo = (description: string, maximum: number) =>
  z.int().min(1).max(maximum).meta({ description, powerOfTwo: true });
const nanoseconds = (description: string) => z.number().min(0).max(100_000).describe(`${description} [ns]`);
/** A field that a file may leave out, because `resolveMemory` fills it in; the marker is read by `fields.ts`. */
const given = <T extends z.ZodType>(field: T): T => field.meta({ ...field.meta(), resolved: true });
const queueDepth = count('commands that may wait in this unit’s queue [commands]', 256);
const floatFormat = z.enum(floatFormatNames);

const resources = z
  .strictObject({
    lut: count('look-up tables'),
    ff: count('flip-flops'),
    bram36: countOrZero('36 Kbit block RAMs'),
    uram288: countOrZero('288 Kbit UltraRAMs'),
    dsp: countOrZero('DSP slices'),
  })
  .describe('what the device holds');

const board = z
  .strictObject({
    name: z.string().min(1).describe('board name'),
    part: z.string().min(1).describe('device part number, or "generic"'),
    resources,
    memoryPorts: z
      .strictObject({
        count: count('ports', 64),
        bits: powerOfTwo('data width of the widest [bit]', 1024),
      })
      .optional()
      .describe('AXI ports that the device offers to the fabric; leave out where the fabric makes its own'),
  })
  .describe('the board the accelerator is meant for');

const frontEnd = z
  .strictObject({
    cacheLines: powerOfTwo('lines of the direct-mapped instruction cache [lines]', 4096),
    lineInstructions: powerOfTwo('instructions per cache line [instructions]', 16),
    cyclesPerInstruction: count('from the look-up of an instruction to its execution, both included [cycles]', 16),
    branchTakenCycles: countOrZero('extra for a taken branch [cycles]', 16),
    multiplyCycles: countOrZero('extra for `mul` [cycles]', 16),
  })
  .describe('front end: fetches 32-byte instructions, runs control flow, issues to the units');

const memoryTiming = z
  .strictObject({
    tRcd: given(nanoseconds('activate to column command')),
    tRp: given(nanoseconds('precharge')),
    tCl: given(nanoseconds('read command to its data')),
    tCwl: given(nanoseconds('write command to its data; `tCl` if left out')),
    tRas: given(nanoseconds('activate to precharge, at least')),
    tRc: given(nanoseconds('activate to activate in one bank; `tRas` + `tRp` if left out')),
    tRtp: given(nanoseconds('read command to precharge; 0 if left out')),
    tWr: given(nanoseconds('write recovery: end of written data to precharge')),
    tWtr: given(nanoseconds('turnaround: end of written data to read command (tWTR_S)')),
    tWtrL: given(nanoseconds('the same in one bank group (tWTR_L); `tWtr` if left out')),
    tRtw: given(nanoseconds('turnaround: end of read data to written data')),
    tRrd: given(nanoseconds('activate to activate on one channel (tRRD_S)')),
    tRrdL: given(nanoseconds('the same in one bank group (tRRD_L); `tRrd` if left out')),
    tCcdL: given(
      nanoseconds('data to data in one bank group (tCCD_L), where that is more than a DRAM burst; 0 if left out'),
    ),
    tFaw: given(nanoseconds('four-activate window: activate to the fourth after it')),
    tRfc: given(nanoseconds('refresh cycle')),
    tRefi: given(nanoseconds('refresh interval')),
  })
  .describe('DRAM timing');

const memory = z
  .strictObject({
    kind: z
      .enum(['dram', 'fixed', 'ideal'])
      .describe(
        '`dram`: banks, rows and refresh; `fixed`: `latencyCycles` and nothing else; `ideal`: the same with one cycle. All keep the port limits',
      ),
    device: z
      .enum(memoryDeviceNames)
      .optional()
      .describe(
        'a DRAM device of `hw-models/memory`; gives `megatransfersPerSecond`, `banks`, `bankGroups`, `rowBytes`, `transfersPerBurst` and `timing` where the file does not',
      ),
    capacityBytes: count('memory the program may use [bytes]', 2 ** 36),
    megatransfersPerSecond: given(count('data rate of the DRAM bus [MT/s]', 20_000)),
    busBits: powerOfTwo('data width of one channel [bit]', 1024),
    channels: count('independent channels; consecutive `interleaveBytes` go to consecutive channels', 64),
    interleaveBytes: powerOfTwo('bytes before the next channel is used [bytes]', 2 ** 20),
    banks: given(powerOfTwo('banks per channel, of all bank groups together', 64)),
    bankGroups: given(
      powerOfTwo(
        'bank groups; neighbouring DRAM bursts go to different ones. 4 if left out, or `banks` if that is less',
        8,
      ),
    ),
    rowBytes: given(powerOfTwo('bytes of one row of one bank, all chips of the channel together [bytes]', 65_536)),
    transfersPerBurst: given(powerOfTwo('data beats of one DRAM burst (BL) [beats]', 64)),
    timing: given(memoryTiming),
    lookaheadNanoseconds: given(
      nanoseconds(
        'how long before the bus is free the DRAM controller decides what comes next; the larger of `tCl` and `tCwl` + `tRcd` + `tRp` if left out: a change of row in another bank costs nothing',
      ),
    ),
    arbitrationBytes: given(
      powerOfTwo(
        'the DRAM controller cuts bursts at multiples of this, and chooses anew for each piece. 4096 if left out: whole bursts [bytes]',
        4096,
      ),
    ),
    reorderLimit: given(
      countOrZero(
        'how many later pieces may be served before one that waits; 0: all in order. 16 if left out [pieces]',
        1024,
      ),
    ),
    ports: count('AXI ports of the accelerator', 64),
    controllerPorts: z
      .array(countOrZero('port of the controller', 63))
      .optional()
      .describe(
        'the port of the DRAM controller behind each AXI port, by number; bursts of one direction that share one take turns. Each its own if left out, and those beyond the end of the list',
      ),
    portBits: powerOfTwo('data width of an AXI port [bit]', 512),
    burstBeats: count('longest AXI burst [beats]', 256),
    outstandingBursts: count('bursts in flight per port [bursts]', 64),
    latencyCycles: countOrZero(
      'interconnect and controller, both ways together, without the DRAM itself [cycles]',
      1000,
    ),
  })
  .describe('external memory and the ports to it');

const dma = z.strictObject({ queueDepth }).describe('dma: 2-D strided transfers of coefficients and activations');

const weightBuffer = z
  .strictObject({
    queueDepth,
    words: count('capacity; a word holds `matmul.columns` × `matmul.tables` table indices [words]'),
    bitsPerWeight: z
      .number()
      .min(1.6)
      .max(8)
      .optional()
      .describe(
        'bits that a ternary weight takes in memory; 1.6, five digits to a byte, if left out. More fills every slice up with zero bytes, as much as a wider code of the same digits would take (1.67: three digits in five bits; 2) [bit]',
      ),
    columnsPerBank: z
      .union([z.literal(1), z.literal(2)])
      .describe(
        'columns that share one UltraRAM: 1 = one write and one read port; 2 = both ports read, filled while the engine is idle (TeLLMe v2)',
      ),
    turnBytes: powerOfTwo(
      'of each slice of a tile in its turn, where the slices lie in memory; more than a tile has: they follow each other; two bursts, but at most 4096, where left out [bytes]',
      2 ** 24,
    ).optional(),
  })
  .describe('weight buffer: UltraRAM banks between memory and the matmul engine');

const matmul = z
  .strictObject({
    queueDepth,
    group: count('activations per table, G', 6),
    tables: count('tables read per cycle, T', 256),
    columns: count('columns per cycle, Q', 256),
    tableForm: z
      .enum(['select', 'half', 'full'])
      .describe('`select`: adders, no table; `half`: symmetric table and a sign bit; `full`: every entry stored'),
    buildEntriesPerCycle: powerOfTwo('table entries written per cycle', 64),
    inputElements: count('int8 activations the input buffer holds [elements]'),
    accumulatorElements: count('32-bit sums the accumulator buffer holds [elements]'),
    maxRows: count('rows one instruction may process [rows]', 256),
    rowsPerStep: powerOfTwo(
      'rows that share each weight word that is read: every one has tables, adders and a bank of sums of its own; 1 where left out [rows]',
      8,
    ).optional(),
  })
  .describe('LUT matmul engine');

const floatLatency = z
  .strictObject({
    add: count('floating add [cycles]', 32),
    multiply: count('floating multiply [cycles]', 32),
    convert: count('integer to float or float to integer [cycles]', 32),
    reciprocal: count('reciprocal [cycles]', 64),
    rsqrt: count('reciprocal square root [cycles]', 64),
    exp: count('exponential [cycles]', 64),
  })
  .describe('pipeline depths of the float operators');

const vector = z
  .strictObject({
    queueDepth,
    lanes: powerOfTwo('lanes, N', 256),
    format: floatFormat.describe('storage format of the activation buffer; every float operation is float32'),
    partialSums: powerOfTwo('interleaved partial sums of a reduction', 32),
    activationElements: count('activation buffer [elements]'),
    activationBanks: count('halves of the activation buffer with ports of their own', 2),
    coefficientElements: count('coefficient buffer, float32 [elements]'),
    maxRows: count('rows whose quantisation scales are kept [rows]', 256),
    latency: floatLatency,
  })
  .describe('vector unit: streaming float pipeline');

const attention = z
  .strictObject({
    queueDepth,
    lanes: powerOfTwo('lanes over the head dimension', 256),
    partialSums: powerOfTwo('interleaved partial sums over positions', 32),
    scoreDepth: count('positions of one attend instruction [positions]', 65_536),
    stateElements: count('running output: rows × heads × head dimension [elements]'),
    maxRows: count('query rows of one attend instruction [rows]', 256),
  })
  .describe('attention: scores, online softmax, weighted sum; float32, with the vector unit’s latencies');

const kvStore = z
  .strictObject({
    queueDepth,
    bytes: count('capacity on chip [bytes]', 2 ** 30),
    format: floatFormat.describe('format of stored keys and values'),
  })
  .describe('KV store: on-chip keys and values, staging for what lies in memory');

const sampler = z
  .strictObject({
    queueDepth,
    candidates: count('best logits kept, the largest k of top-k', 1024),
    shortlist: count(
      'groups of logits that the coarse pass of a two-pass head may select; without it there is none [groups]',
      65_536,
    ).optional(),
  })
  .describe('sampler: streaming top-k, then greedy or temperature');

const counters = z.strictObject({ bits: count('width of a counter [bit]', 64) }).describe('performance counters');

const hostTerm = z.strictObject({
  name: z.string().min(1).describe('what the host does'),
  milliseconds: z.number().min(0).max(100_000).describe('time of one [ms]'),
  per: z
    .enum(['pass', 'row', 'position', 'token'])
    .describe(
      'what it is done for: every pass over the weights; every row of a pass (a position of one sequence); every earlier or own position that a row attends to; every token that is picked',
    ),
  source: z.string().min(1).describe('where the figure comes from, or which points it was fitted on'),
});

export const hardwareModelSchema = z.strictObject({
  $schema: z.string().optional().describe('path of the JSON Schema, for editors'),
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/)
    .describe('lower-case name'),
  description: z.string().min(1).describe('one sentence'),
  notes: z.array(z.string()).optional().describe('sources, and which figures were fitted on which points'),
  board,
  clockHz: count('clock of the accelerator [Hz]', 2_000_000_000),
  frontEnd,
  memory,
  dma,
  weightBuffer,
  matmul,
  vector,
  attention,
  kvStore,
  sampler,
  counters,
  host: z
    .array(hostTerm)
    .optional()
    .describe(
      'what a host does while the machine waits for it: named terms, not simulated, added to the machine’s time where a report says so',
    ),
  energy: energySchema.optional(),
});

export type HardwareModel = z.infer<typeof hardwareModelSchema>;
