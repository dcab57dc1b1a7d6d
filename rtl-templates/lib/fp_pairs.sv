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
//   soon_…_i       of the item that arrives in the next cycle, so that its neighbour waits in a register:
//     valid          there is one
//     ended          it is the last of its row
//     full           at least COUNT items were before it in the row
//     index          its number modulo COUNT
//   soon_…_o       likewise, one cycle before item_o
`default_nettype none

module fp_pairs #(
  parameter COUNT       = 8,
  parameter ADD_LATENCY = 4,
  parameter INDEX       = $clog2(COUNT),
  parameter NEXT        = INDEX > 1 ? INDEX - 1 : 1
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic             soon_valid_i,
  input  logic             soon_ended_i,
  input  logic             soon_full_i,
  input  logic [INDEX-1:0] soon_index_i,
  input  logic [31:0]      item_i,
  output logic             soon_valid_o,
  output logic             soon_ended_o,
  output logic             soon_full_o,
  output logic [NEXT-1:0]  soon_index_o,
  output logic [31:0]      item_o
);
  localparam KEPT = COUNT - 1;

  logic             valid_q, ended_q, full_q;
  logic [INDEX-1:0] index_q;

  always_ff @(posedge clk_i) begin
    valid_q <= soon_valid_i & rst_ni;
    ended_q <= soon_ended_i;
    full_q  <= soon_full_i;
    index_q <= soon_index_i;
  end

  // The items before the present one, the youngest lowest, and those before the next.
  logic [32*KEPT-1:0] kept_q, later;

  generate
    if (KEPT > 1) begin : g_many
      assign later = {kept_q[32*(KEPT-1)-1:0], item_i};
    end else begin : g_one
      assign later = item_i;
    end
  endgenerate

  always_ff @(posedge clk_i) if (valid_q) kept_q <= later;

  // The neighbour of the next item: the one before it, the oldest leaf, or none.
  logic [31:0] youngest, oldest, neighbour_q;

  assign youngest = valid_q ? later[31:0] : kept_q[31:0];
  assign oldest   = valid_q ? later[32*KEPT-1 -: 32] : kept_q[32*KEPT-1 -: 32];

  always_ff @(posedge clk_i) begin
    neighbour_q <= soon_index_i[0] ? youngest : oldest;
    if (!soon_index_i[0] & !soon_full_i) neighbour_q <= 32'b0;
  end

  fp_add #(.EXP(8), .MAN(23), .LATENCY(ADD_LATENCY)) u_add (
    .clk_i(clk_i), .a_i(item_i), .b_i(neighbour_q), .subtract_i(1'b0), .y_o(item_o)
  );

  delay_valid #(.WIDTH(3 + NEXT), .CYCLES(ADD_LATENCY - 1)) u_tag (
    .clk_i(clk_i), .rst_ni(rst_ni),
    .d_i({valid_q & (index_q[0] | ended_q), ended_q, full_q, index_q[INDEX-1 -: NEXT]}),
    .q_o({soon_valid_o, soon_ended_o, soon_full_o, soon_index_o})
  );
endmodule

`default_nettype wire
