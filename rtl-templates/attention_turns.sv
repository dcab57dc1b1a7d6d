// Whose turn it is at the lanes of attention, and the place of that beat in the buffers: the rounds of all items, then
// the outputs of a last run.
//
//   FLUSH_CYCLES   from the turn of the last output's last beat to the end
//   WAIT_BITS      bits of a wait; others as in attention
//
// An item is taken with take_o; its keys have their turns from the next cycle on, its values a round later. Counters of
// what is left run down to −1, so that their highest bit alone says that it was the last.
`default_nettype none

module attention_turns #(
  parameter COUNT_BITS   = 10,
  parameter ROW_BITS     = 3,
  parameter BEAT_BITS    = 5,
  parameter KV_BITS      = 12,
  parameter STATE_BITS   = 10,
  parameter WAIT_BITS    = 12,
  parameter FLUSH_CYCLES = 25
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic                  start_i,
  input  logic                  brief_i,           // an instruction of one cycle starts
  input  logic                  last_i,            // the run writes its outputs
  output logic                  done_o,
  output logic                  running_o,
  // Shape of a head, see attention_shape, and rows
  input  logic [BEAT_BITS-1:0]  last_beat_i,
  input  logic                  single_beat_i,
  input  logic [16:0]           heads_rest_i,
  input  logic [ROW_BITS-1:0]   last_row_i,
  input  logic [KV_BITS-1:0]    pitch_i,
  input  logic [WAIT_BITS-1:0]  settle_i,
  input  logic [WAIT_BITS-1:0]  drain_i,
  // Items
  input  logic                  rows_done_i,
  output logic                  fill_o,            // the items of this run may begin
  output logic                  take_o,
  input  logic                  item_valid_i,
  input  logic [COUNT_BITS:0]   item_rest_i,       // its positions less two
  input  logic [COUNT_BITS-1:0] item_sink_i,
  input  logic [KV_BITS-1:0]    item_gap_i,
  input  logic [KV_BITS-1:0]    item_start_i,
  input  logic [STATE_BITS-1:0] item_outputs_i,
  input  logic                  item_seen_i,
  // The beat that has its turn
  output logic                  key_o,
  output logic                  value_o,
  output logic                  rescale_o,
  output logic                  output_o,
  output logic                  first_o,           // beat of a head
  output logic                  last_o,
  output logic [COUNT_BITS-1:0] position_o,        // in its item
  output logic                  set_o,             // which set of scores
  output logic                  seen_o,            // its item has seen a position before (not for outputs)
  output logic [KV_BITS-1:0]    address_o,         // of its key or value from the run's first on, but for …
  output logic [COUNT_BITS-1:0] sink_o,            // … the gap, from this position on
  output logic [KV_BITS-1:0]    gap_o,
  output logic [STATE_BITS-1:0] state_o,           // of its output, and of its query
  output logic [ROW_BITS-1:0]   output_row_o
);
  localparam [3:0] IDLE = 4'd0, SCAN = 4'd1, FILL = 4'd2, HOLD = 4'd3, READY = 4'd4, SETTLE = 4'd5, DRAIN = 4'd6,
                   FLUSH = 4'd7, KEY = 4'd8, VALUE = 4'd9, RESCALE = 4'd10, OUTPUT = 4'd11;

  localparam FLUSH_WAIT = FLUSH_CYCLES - 2;

  logic [3:0]            phase_q, phase_d;
  logic                  done_q, done_d;
  logic [WAIT_BITS:0]    wait_q;
  logic                  first_beat_q, last_beat_q, set_q;
  logic [BEAT_BITS-1:0]  beats_left_q;
  logic [COUNT_BITS-1:0] position_q, sink_q;
  logic [COUNT_BITS:0]   rest_q;
  logic [KV_BITS-1:0]    gap_q, address_q, row_address_q, next_row_address;
  logic [STATE_BITS-1:0] state_q;
  logic [16:0]           heads_rest_q;
  logic [ROW_BITS-1:0]   output_row_q;
  logic                  turn, last_position, last_head, last_output, waited;
  logic                  new_round, new_value, new_output;

  // The item whose keys came last, and the one before, whose values are next.
  logic                  key_valid_q, value_valid_q, key_seen_q, value_seen_q;
  logic [COUNT_BITS:0]   key_rest_q, value_rest_q;
  logic [COUNT_BITS-1:0] key_sink_q, value_sink_q;
  logic [KV_BITS-1:0]    key_gap_q, key_start_q, value_gap_q, value_start_q;
  logic [STATE_BITS-1:0] key_outputs_q, value_outputs_q;

  assign key_o     = phase_q == KEY;
  assign value_o   = phase_q == VALUE;
  assign rescale_o = phase_q == RESCALE;
  assign output_o  = phase_q == OUTPUT;
  assign turn      = phase_q[3];

  assign last_position = rest_q[COUNT_BITS];
  assign last_head     = heads_rest_q[16];
  assign last_output   = last_beat_q & last_head & (output_row_q == last_row_i);
  assign waited        = wait_q[WAIT_BITS];

  // ---- A round: the keys of the next item, if there is one, then the values and output of the item before.
  always_comb begin
    phase_d = phase_q;
    new_round = 1'b0;
    new_value = 1'b0;
    new_output = 1'b0;
    done_d = 1'b0;
    case (phase_q)
      IDLE:   if (start_i) phase_d = SCAN;
      SCAN:   if (rows_done_i) phase_d = FILL;
      FILL:   phase_d = HOLD;
      HOLD:   phase_d = READY;
      READY: begin
        new_round = item_valid_i;
        new_output = ~item_valid_i & last_i;
        done_d = ~item_valid_i & ~last_i;
      end
      KEY: if (last_beat_q && last_position) begin
        new_round = ~value_valid_q;
        new_value = value_valid_q & waited;
        if (!new_round && !new_value) phase_d = SETTLE;
      end
      SETTLE: new_value = waited;
      VALUE:  if (last_beat_q && last_position) phase_d = RESCALE;
      RESCALE: if (last_beat_q) begin
        new_round = key_valid_q;
        phase_d = DRAIN;
      end
      DRAIN: begin
        new_output = waited & last_i;
        done_d = waited & ~last_i;
      end
      OUTPUT: if (last_output) phase_d = FLUSH;
      FLUSH:  done_d = waited;
      default: phase_d = IDLE;
    endcase
    if (new_round)  phase_d = item_valid_i ? KEY : SETTLE;
    if (new_value)  phase_d = VALUE;
    if (new_output) phase_d = OUTPUT;
    if (done_d)     phase_d = IDLE;
    if (brief_i)    done_d = 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      phase_q <= IDLE;
      done_q <= 1'b0;
      set_q <= 1'b0;
    end else begin
      phase_q <= phase_d;
      done_q <= done_d;
      set_q <= set_q ^ new_round;
    end

    // A wait is over when it has been counted down below 0.
    if (new_round)                     wait_q <= {1'b0, settle_i};
    else if (rescale_o && last_beat_q) wait_q <= {1'b0, drain_i};
    else if (output_o)                 wait_q <= FLUSH_WAIT[WAIT_BITS:0];
    else if (!waited)                  wait_q <= wait_q - 1'b1;
  end

  // ---- The items of the round
  always_ff @(posedge clk_i) begin
    if (fill_o) begin
      key_valid_q <= 1'b0;
      value_valid_q <= 1'b0;
    end else if (new_round) begin
      key_valid_q <= item_valid_i;
      value_valid_q <= key_valid_q;
    end
    if (new_round) begin
      key_rest_q <= item_rest_i;
      key_sink_q <= item_sink_i;
      key_gap_q <= item_gap_i;
      key_start_q <= item_start_i;
      key_outputs_q <= item_outputs_i;
      key_seen_q <= item_seen_i;
      value_rest_q <= key_rest_q;
      value_sink_q <= key_sink_q;
      value_gap_q <= key_gap_q;
      value_start_q <= key_start_q;
      value_outputs_q <= key_outputs_q;
      value_seen_q <= key_seen_q;
    end
  end

  // ---- The beat. Between turns it is the first of a head and of an item.
  assign next_row_address = row_address_q + pitch_i;

  always_ff @(posedge clk_i) begin
    first_beat_q <= !turn | last_beat_q;
    if (!turn || last_beat_q) begin
      last_beat_q <= single_beat_i;
      beats_left_q <= last_beat_i;
    end else begin
      last_beat_q <= beats_left_q == 1;
      beats_left_q <= beats_left_q - 1'b1;
    end

    if (!(key_o || value_o) || (last_beat_q && last_position)) position_q <= 0;
    else if (last_beat_q)                                      position_q <= position_q + 1'b1;

    if (new_round) begin
      rest_q <= item_rest_i;
      sink_q <= item_sink_i;
      gap_q <= item_gap_i;
      address_q <= item_start_i;
      row_address_q <= item_start_i;
    end else if (new_value) begin
      rest_q <= value_rest_q;
      sink_q <= value_sink_q;
      gap_q <= value_gap_q;
      address_q <= value_start_q;
      row_address_q <= value_start_q;
    end else if (last_beat_q) begin
      // Below 0 with the last position.
      rest_q <= rest_q - 1'b1;
      address_q <= next_row_address;
      row_address_q <= next_row_address;
    end else begin
      address_q <= address_q + 1'b1;
    end

    // Outputs lie one after the other; the item's other turns begin at its first beat again and again.
    if (new_output)                    state_q <= 0;
    else if (new_round)                state_q <= item_outputs_i;
    else if (new_value)                state_q <= value_outputs_q;
    else if (output_o || !last_beat_q) state_q <= state_q + 1'b1;
    else                               state_q <= key_o ? key_outputs_q : value_outputs_q;

    if (!output_o) begin
      heads_rest_q <= heads_rest_i;
      output_row_q <= 0;
    end else if (last_beat_q) begin
      heads_rest_q <= last_head ? heads_rest_i : heads_rest_q - 1'b1;
      if (last_head) output_row_q <= output_row_q + 1'b1;
    end
  end

  assign done_o       = done_q;
  assign running_o    = phase_q != IDLE;
  assign fill_o       = phase_q == FILL;
  assign take_o       = new_round;
  assign first_o      = first_beat_q;
  assign last_o       = last_beat_q;
  assign position_o   = position_q;
  assign set_o        = set_q ^ ~key_o;
  assign seen_o       = key_o ? key_seen_q : value_seen_q;
  assign address_o    = address_q;
  assign sink_o       = sink_q;
  assign gap_o        = gap_q;
  assign state_o      = state_q;
  assign output_row_o = output_row_q;
endmodule

`default_nettype wire
