// One level of the tree over partial sums, with a single adder, on the fly.
//
// The items of a row arrive one at a time, numbered from 0; the last COUNT of them, each at its number modulo COUNT, are
// the leaves of this level, leaves without an item being +0. The sums of neighbouring leaves leave as the items of the
// next level: one when an item of odd number arrives, and one when the row's last item does. An item of even number
// that is the last has the oldest leaf as its neighbour.
//
//   COUNT          leaves, a power of two, 2 or more
//   ADD_LATENCY    cycles of one addition, which is this level's latency
//
//   index_i        number of the item modulo COUNT;  full_i: at least COUNT items were before it in the row
//   ended_i        it is the last of its row
`default_nettype none

module fp_pairs #(
  parameter COUNT       = 8,
  parameter ADD_LATENCY = 4,
  parameter INDEX       = $clog2(COUNT),
  parameter NEXT        = INDEX > 1 ? INDEX - 1 : 1
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic             valid_i,
  input  logic             ended_i,
  input  logic             full_i,
  input  logic [INDEX-1:0] index_i,
  input  logic [31:0]      item_i,
  output logic             valid_o,
  output logic             ended_o,
  output logic             full_o,
  output logic [NEXT-1:0]  index_o,
  output logic [31:0]      item_o
);
  localparam KEPT = COUNT - 1;

  // The items before the present one, the youngest lowest.
  logic [32*KEPT-1:0] kept_q;

  generate
    if (KEPT > 1) begin : g_many
      always_ff @(posedge clk_i) if (valid_i) kept_q <= {kept_q[32*(KEPT-1)-1:0], item_i};
    end else begin : g_one
      always_ff @(posedge clk_i) if (valid_i) kept_q <= item_i;
    end
  endgenerate

  logic [31:0]     neighbour;
  logic            pair;
  logic [NEXT-1:0] next_index;

  assign pair = valid_i & (index_i[0] | ended_i);

  always_comb begin
    neighbour = 32'b0;
    if (index_i[0])  neighbour = kept_q[31:0];
    else if (full_i) neighbour = kept_q[32*KEPT-1 -: 32];
  end

  assign next_index = index_i[INDEX-1 -: NEXT];

  fp_add #(.EXP(8), .MAN(23), .LATENCY(ADD_LATENCY)) u_add (
    .clk_i(clk_i), .a_i(item_i), .b_i(neighbour), .subtract_i(1'b0), .y_o(item_o)
  );

  delay_valid #(.CYCLES(ADD_LATENCY)) u_valid (.clk_i(clk_i), .rst_ni(rst_ni), .d_i(pair), .q_o(valid_o));
  delay #(.WIDTH(2 + NEXT), .CYCLES(ADD_LATENCY)) u_tag (
    .clk_i(clk_i), .d_i({ended_i, full_i, next_index}), .q_o({ended_o, full_o, index_o})
  );
endmodule

`default_nettype wire
