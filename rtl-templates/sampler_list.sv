// The best logits so far, the best first, in an order of unsigned keys; of equal keys the one that came first. A cell
// holds a key and the number of the slot in which the logit's token is kept; a key of 0 is an empty cell.
//
//   DEPTH   cells
//
// Every cell compares its key with the new one: from the first smaller one on, all move down by one and the last falls
// out, its slot taking the new token (taken_o); a new key of 0 changes nothing. With rotate_i all move down and the last
// becomes the first; after DEPTH turns all are where they were. One insertion or turn per cycle, seen in the next.
`default_nettype none

module sampler_list #(
  parameter DEPTH     = 8,
  parameter SLOT_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  input  logic                 clear_i,
  input  logic [31:0]          key_i,
  input  logic                 rotate_i,
  output logic                 taken_o,
  output logic [31:0]          first_key_o,
  output logic [SLOT_BITS-1:0] first_slot_o,
  output logic [31:0]          last_key_o,
  output logic [SLOT_BITS-1:0] last_slot_o
);
  logic [32*DEPTH-1:0]        key_q;
  logic [SLOT_BITS*DEPTH-1:0] slot_q;
  logic [DEPTH-1:0]           smaller;

  assign first_key_o  = key_q[31:0];
  assign first_slot_o = slot_q[SLOT_BITS-1:0];
  assign last_key_o   = key_q[32*DEPTH-1 -: 32];
  assign last_slot_o  = slot_q[SLOT_BITS*DEPTH-1 -: SLOT_BITS];
  assign taken_o      = smaller[DEPTH-1];

  always_comb begin
    smaller = {DEPTH{1'b0}};
    for (int cell_index = 0; cell_index < DEPTH; cell_index = cell_index + 1) begin
      smaller[cell_index] = key_q[32*cell_index +: 32] < key_i;
    end
  end

  // Cells are in order, so the smaller ones are the last ones. AND and OR instead of a choice keep comparisons out of
  // clock enables: all of it is one LUT per bit, and comparisons come to its fastest inputs.
  logic [32*DEPTH-1:0]        key_d;
  logic [SLOT_BITS*DEPTH-1:0] slot_d;
  logic                       takes, takes_above;
  logic [31:0]                new_key;
  logic [SLOT_BITS-1:0]       new_slot;

  always_comb begin
    key_d = key_q;
    slot_d = slot_q;
    for (int cell_index = 0; cell_index < DEPTH; cell_index = cell_index + 1) begin
      takes       = rotate_i || smaller[cell_index];
      takes_above = rotate_i || (cell_index > 0 && smaller[(cell_index + DEPTH - 1) % DEPTH]);
      new_key     = takes_above ? key_q[32*((cell_index + DEPTH - 1) % DEPTH) +: 32] : key_i;
      new_slot    = takes_above ? slot_q[SLOT_BITS*((cell_index + DEPTH - 1) % DEPTH) +: SLOT_BITS] : last_slot_o;
      key_d[32*cell_index +: 32] = ({32{takes}} & new_key) | ({32{!takes}} & key_q[32*cell_index +: 32]);
      slot_d[SLOT_BITS*cell_index +: SLOT_BITS] = ({SLOT_BITS{takes}} & new_slot)
                                                | ({SLOT_BITS{!takes}} & slot_q[SLOT_BITS*cell_index +: SLOT_BITS]);
    end
  end

  always_ff @(posedge clk_i) begin
    key_q  <= key_d;
    slot_q <= slot_d;
    if (clear_i) key_q <= {(32*DEPTH){1'b0}};
    if (!rst_ni) begin
      for (int cell_index = 0; cell_index < DEPTH; cell_index = cell_index + 1) begin
        slot_q[SLOT_BITS*cell_index +: SLOT_BITS] <= cell_index[SLOT_BITS-1:0];
      end
    end
  end
endmodule

`default_nettype wire
