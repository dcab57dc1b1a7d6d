// The vector unit's beats, one cycle each, from the shape of an instruction.
//
//   BEAT_BITS, ROW_BITS   bits of a number of beats, of a number of rows
//   WAIT                  cycles before the first beat of an instruction with two passes (the division 1/n)
//   QUANTISE_SETTLE       cycles from a row's first pass to its second: quantise
//   NORM_SETTLE           likewise: norm
//
// A stream goes once over each row, `phases_i` + 1 cycles for each beat. An instruction with two passes measures a row
// (one cycle a beat), waits for the row's factor, and streams it; with two limbs it streams it twice.
//
//   stream, 2 phases, 2 beats     start_i │ beat 0, phase 0 │ phase 1 │ beat 1, phase 0 │ phase 1 │
//   two passes, 2 beats           start_i │ (WAIT) │ m0 │ m1 │ settle … │ s0 │ s1 │ m0 of the next row │
//
// Of the shape, what is a level is stable from the cycle after start_i on; the rest is read in the cycle of start_i.
// What decides about the next address is known a cycle ahead: that this beat is the last of its pass, row or head.
`default_nettype none

module vector_sequence #(
  parameter BEAT_BITS       = 16,
  parameter ROW_BITS        = 8,
  parameter WAIT            = 0,
  parameter QUANTISE_SETTLE = 40,
  parameter NORM_SETTLE     = 30
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  input  logic                 start_i,
  input  logic                 two_pass_i,    // a level, but read in the cycle of start_i too
  input  logic                 norm_i,        // a level, like the next three
  input  logic                 limbs_i,
  input  logic                 rope_i,
  input  logic [1:0]           phases_i,      // phases of a beat − 1
  input  logic [ROW_BITS-1:0]  rows_i,
  input  logic [BEAT_BITS-1:0] last_beat_i,   // of a row, as it is read; counted from 0
  input  logic                 one_beat_i,    // that is 0
  input  logic [BEAT_BITS-1:0] last_stream_i, // of a row, as it is written: with two passes, zeros may lie behind
  input  logic                 one_stream_i,
  input  logic [BEAT_BITS-1:0] last_head_i,   // of half a head; rope only
  output logic                 valid_o,       // there is a beat in this cycle; what follows belongs to it
  output logic                 measure_o,     // of the first of two passes
  output logic [1:0]           phase_o,
  output logic                 step_o,        // last phase of the beat
  output logic                 emit_o,        // it yields a result
  output logic                 first_o,       // first beat of the row
  output logic                 tail_o,        // last beat of the row with elements
  output logic                 fill_o,        // beyond that
  output logic                 head_last_o,   // with step_o: the head's last beat
  output logic                 row_last_o,    // last phase of the pass's last beat
  output logic                 limb_o,        // second time over the row: low limbs
  output logic                 end_o          // last cycle of the instruction's last beat
);
  localparam LONGEST  = QUANTISE_SETTLE > NORM_SETTLE ? QUANTISE_SETTLE : NORM_SETTLE;
  localparam IDLING   = LONGEST > WAIT ? LONGEST : WAIT;
  localparam IDLE_BITS = $clog2(IDLING + 1);
  localparam [IDLE_BITS-1:0] WAIT_FOR     = WAIT[IDLE_BITS-1:0];
  localparam [IDLE_BITS-1:0] QUANTISE_FOR = QUANTISE_SETTLE[IDLE_BITS-1:0];
  localparam [IDLE_BITS-1:0] NORM_FOR     = NORM_SETTLE[IDLE_BITS-1:0];
  localparam [IDLE_BITS-1:0] ONE_IDLE     = 1;
  localparam [BEAT_BITS-1:0] ONE_BEAT     = 1;
  localparam [ROW_BITS-1:0]  ONE_ROW      = 1, TWO_ROWS = 2;

  localparam [1:0] REST = 2'd0, PAUSE = 2'd1, MEASURE = 2'd2, STREAM = 2'd3;

  logic [1:0]           state_q, state_d;
  logic                 measured_q, measured_d;  // what comes after the pause: the stream, not the measuring
  logic [IDLE_BITS-1:0] pause_q, pause_d;
  logic [1:0]           phase_q, phase_d;
  logic [BEAT_BITS-1:0] beat_q, beat_d, head_q, head_d, left_q, left_d;  // left: beats of the pass after this one
  logic [BEAT_BITS-1:0] last_beat_q, last_stream_q, last_head_q;
  logic                 one_beat_q, one_stream_q;
  logic [ROW_BITS-1:0]  row_q, row_d;
  logic                 last_row_q, last_row_d;
  logic                 fill_q, fill_d, limb_q, limb_d;
  logic                 pass_last_q, pass_last_d, head_last_q;
  logic                 measures_next;

  always_comb begin
    valid_o   = state_q == MEASURE || state_q == STREAM;
    measure_o = state_q == MEASURE;
    phase_o   = phase_q;
    step_o    = valid_o && (measure_o || phase_q == phases_i);
    emit_o    = state_q == STREAM && (rope_i ? phase_q[0] : step_o);
    first_o   = beat_q == 0;
    tail_o    = !fill_q && beat_q == last_beat_q;
    fill_o    = fill_q;
    head_last_o = head_last_q;
    row_last_o  = step_o && pass_last_q;
    limb_o      = limb_q;
    end_o       = row_last_o && last_row_q && !measure_o && (!limbs_i || limb_q);
  end

  always_comb begin
    state_d       = state_q;
    measured_d    = measured_q;
    pause_d       = pause_q - ONE_IDLE;
    phase_d       = phase_q;
    beat_d        = beat_q;
    head_d        = head_q;
    row_d         = row_q;
    last_row_d    = last_row_q;
    left_d        = left_q;
    pass_last_d   = pass_last_q;
    measures_next = two_pass_i && !measure_o && (!limbs_i || limb_q);
    fill_d        = fill_q;
    limb_d        = limb_q;
    if (valid_o) phase_d = step_o ? 2'd0 : phase_q + 2'd1;
    if (step_o) begin
      beat_d      = beat_q + ONE_BEAT;
      head_d      = head_last_q ? 0 : head_q + ONE_BEAT;
      fill_d      = fill_q || tail_o;
      left_d      = left_q - ONE_BEAT;
      pass_last_d = left_q == ONE_BEAT;
    end
    if (row_last_o) begin
      left_d      = measures_next ? last_beat_q : last_stream_q;
      pass_last_d = measures_next ? one_beat_q : one_stream_q;
      beat_d      = 0;
      fill_d      = 1'b0;
      if (measure_o) begin
        state_d    = PAUSE;
        measured_d = 1'b1;
        pause_d    = norm_i ? NORM_FOR : QUANTISE_FOR;
      end else if (limbs_i && !limb_q) begin
        limb_d = 1'b1;
      end else begin
        limb_d     = 1'b0;
        row_d      = row_q - ONE_ROW;
        last_row_d = row_q == TWO_ROWS;
        state_d    = last_row_q ? REST : two_pass_i ? MEASURE : STREAM;
      end
    end
    if (state_q == PAUSE && pause_q == ONE_IDLE) state_d = measured_q ? STREAM : MEASURE;
    if (start_i) begin
      state_d     = !two_pass_i ? STREAM : WAIT > 0 ? PAUSE : MEASURE;
      measured_d  = 1'b0;
      pause_d     = WAIT_FOR;
      phase_d     = 2'd0;
      beat_d      = 0;
      head_d      = 0;
      row_d       = rows_i;
      last_row_d  = rows_i == ONE_ROW;
      left_d      = last_beat_i;
      pass_last_d = one_beat_i;
      fill_d      = 1'b0;
      limb_d      = 1'b0;
    end
    if (!rst_ni) state_d = REST;
  end

  always_ff @(posedge clk_i) begin
    state_q     <= state_d;
    measured_q  <= measured_d;
    pause_q     <= pause_d;
    phase_q     <= phase_d;
    beat_q      <= beat_d;
    head_q      <= head_d;
    row_q       <= row_d;
    last_row_q  <= last_row_d;
    left_q      <= left_d;
    pass_last_q <= pass_last_d;
    // A beat of a rotation takes four cycles: this is there before its last one. None is left of the one before.
    head_last_q <= rope_i && !start_i && head_q == last_head_q;
    if (start_i) begin
      last_beat_q   <= last_beat_i;
      one_beat_q    <= one_beat_i;
      last_stream_q <= last_stream_i;
      one_stream_q  <= one_stream_i;
      last_head_q   <= last_head_i;
    end
    fill_q      <= fill_d;
    limb_q      <= limb_d;
  end
endmodule

`default_nettype wire
