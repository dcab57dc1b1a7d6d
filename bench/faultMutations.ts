/**
 * Defects of what the Verilog does about faults, which no program shows that meets none. Each names the faults that
 * should show it.
 */
import type { FaultKind } from '../src/cosim/index.ts';
import type { Mutation } from './mutationList.ts';

export interface FaultMutation extends Mutation {
  readonly kinds: readonly FaultKind[];
}

type Row = readonly [name: string, what: string, at: string, becomes: string, kinds: readonly FaultKind[]];

function of(unit: string, file: string, rows: readonly Row[]): FaultMutation[] {
  return rows.map(([name, what, at, becomes, kinds]) => ({ name, unit, file, what, at, becomes, kinds }));
}

const stops: readonly FaultKind[] = ['reset by the host', 'error on a read'];
const writes: readonly FaultKind[] = ['no data taken', 'error on a write', 'no answer to a write'];

export const faultMutations: readonly FaultMutation[] = [
  ...of('memory', 'lib/memory_port.sv', [
    ['stop-shows', 'a port shows new bursts after a stop', 'slot_free_q && «!blocked_q» && burst', "1'b1", stops],
    [
      'stop-withdraws',
      'a burst that was shown is withdrawn at a stop',
      'stop_i && «!(arvalid_o && !arready_i)» && !(aw',
      "1'b1",
      ['no address taken', 'reset by the host'],
    ],
    [
      'drain-last',
      'WLAST is lost while draining',
      'wlast_o   = «beat_q == write_length»;',
      'beat_q == write_length && !masked_q',
      writes,
    ],
    ['drain-strobes', 'owed data goes out with its strobes', "wstrb_o   = «masked_q» ? '0", "1'b0", writes],
    [
      'drain-forgets',
      'a beat without strobes that waits is shown with them',
      'stop_i && «(masked_q || !(wvalid_o && !wready_i))»',
      '!(wvalid_o && !wready_i)',
      writes,
    ],
    [
      'drain-short',
      'draining ends while memory owes',
      "blocked_q && «in_flight_q == '0»;",
      "1'b1",
      ['no data of a read'],
    ],
    [
      'error-decode',
      'DECERR alone counts as an error',
      "write_error = «bvalid_i && bresp_i != 2'b00»",
      "bvalid_i && bresp_i == 2'b11",
      ['error on a write'],
    ],
    [
      'error-last',
      'errors count on last beats only',
      "read_error  = «rvalid_i && rresp_i != 2'b00»",
      "rvalid_i && rlast_i && rresp_i != 2'b00",
      ['error on a read'],
    ],
  ]),
  ...of('memory', 'memory.sv.hbs', [
    [
      'window-last',
      'one page too many may be written',
      '«behind(dma_burst_address_i[31:12], write_last_i)»',
      "behind(dma_burst_address_i[31:12], write_last_i + 20'd1)",
      ['write window too small'],
    ],
    [
      'window-first',
      'pages before the window may be written',
      '«behind(write_first_i, dma_burst_address_i[31:12])»',
      "1'b0",
      ['write window too small'],
    ],
    [
      'window-less',
      'the last page of memory may not be touched',
      'frontEnd_outside = «behind(frontEnd_burst_address_i[31:12], memory_last_i)»',
      '!behind(memory_last_i, frontEnd_burst_address_i[31:12])',
      ['error on a read'],
    ],
  ]),
  ...of('control', 'control.sv.hbs', [
    [
      'watchdog-never',
      'the watchdog never bites',
      "!emit_i && «watchdog_q != 32'd0» && watch_left_q",
      "1'b0",
      ['no data of a read'],
    ],
    [
      'watchdog-late',
      'the watchdog bites a unit of time too late',
      "«watch_left_q == 32'd1» && watch_cycles_q",
      "watch_left_q == 32'd0",
      ['no data of a read'],
    ],
    ['drain-endless', 'draining never ends', 'drained  = «state_q == DRAIN && quiet_i»', "1'b0", stops],
    ['reset-nothing', 'the host cannot stop a run', 'illegal_q || «soft_q»);', "1'b0", ['reset by the host']],
    [
      'identity-set',
      'the instruction set of a program is not looked at',
      '«program_isa_q != {{unit.isa}}»',
      "1'b0",
      ['other instruction set'],
    ],
    [
      'cause-other',
      'a watchdog is reported as illegal',
      'if («stops && watched_q») error',
      "1'b0",
      ['no data of a read'],
    ],
  ]),
  ...of('control', 'lutra.sv.hbs', [
    ['stop-counts', 'counters go on after a stop', '(«!halted && !stopped»)', '!halted', stops],
  ]),
  ...of('frontEnd', 'frontEnd.sv.hbs', [
    [
      'illegal-waits',
      'an illegal opcode is waited with for ever',
      "illegal_o         = «in_execute && unit == 8'd0»",
      "1'b0",
      ['illegal opcode'],
    ],
  ]),
];
