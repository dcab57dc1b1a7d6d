// Sums rows of float32 values in the machine's order: value j of a row is added to partial sum j mod PARTIALS, the
// partial sums start at +0, and the result is the tree over them.
//
//   PARTIALS       a power of two, not below ADD_LATENCY
//   ADD_LATENCY    cycles of one addition
//
// The values of a row come in consecutive cycles, the last with last_i; the next row may begin in the next cycle or
// later. y_o is there (1 + $clog2(PARTIALS))·ADD_LATENCY cycles after last_i, with valid_o.
//
// One adder takes a value and the sum that it gave out PARTIALS − ADD_LATENCY cycles ago, so that it works on PARTIALS
// sums by turns. The last PARTIALS of its results in a row are the partial sums; `fp_pairs` adds them as they come.
`default_nettype none

module fp_accumulate #(
  parameter PARTIALS    = 8,
  parameter ADD_LATENCY = 4
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        valid_i,
  input  logic        last_i,
  input  logic [31:0] x_i,
  output logic        valid_o,
  output logic [31:0] y_o
);
  localparam LEVELS = $clog2(PARTIALS);
  localparam INDEX  = LEVELS > 0 ? LEVELS : 1;

  // ---- Number of the next value in its row, modulo PARTIALS, and whether there are PARTIALS before it
  logic [INDEX-1:0] index_d, index_q;
  logic             full_d, full_q;

  always_comb begin
    index_d = index_q;
    full_d = full_q;
    if (valid_i) begin
      index_d = LEVELS > 0 ? index_q + 1'b1 : {INDEX{1'b0}};
      full_d = full_q | LEVELS == 0 | (&index_q);
    end
    if (valid_i && last_i) begin
      index_d = 0;
      full_d = 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      index_q <= 0;
      full_q <= 1'b0;
    end else begin
      index_q <= index_d;
      full_q <= full_d;
    end
  end

  // ---- The adding of partial sums
  logic [31:0] sum, turn;

  fp_add #(.EXP(8), .MAN(23), .LATENCY(ADD_LATENCY)) u_add (
    .clk_i(clk_i), .a_i(x_i), .b_i(turn), .subtract_i(1'b0), .y_o(sum)
  );

  generate
    if (PARTIALS > ADD_LATENCY) begin : g_early
      // The adder's operand comes from a register: whether it is +0 is known the cycle before.
      logic [31:0] early, turn_q;

      delay #(.WIDTH(32), .CYCLES(PARTIALS - ADD_LATENCY - 1)) u_early (.clk_i(clk_i), .d_i(sum), .q_o(early));
      always_ff @(posedge clk_i) turn_q <= full_d ? early : 32'b0;
      assign turn = turn_q;
    end else begin : g_direct
      assign turn = full_q ? sum : 32'b0;
    end
  endgenerate

  // What the sum that is there in the next cycle belongs to.
  logic             soon_valid, soon_ended, soon_full;
  logic [INDEX-1:0] soon_index;

  delay_valid #(.WIDTH(3 + INDEX), .CYCLES(ADD_LATENCY - 1)) u_tag (
    .clk_i(clk_i), .rst_ni(rst_ni),
    .d_i({valid_i, last_i, full_q, index_q}), .q_o({soon_valid, soon_ended, soon_full, soon_index})
  );

  // ---- The tree over the partial sums. Level l has PARTIALS >> l leaves.
  genvar l;
  generate
    for (l = 0; l < LEVELS; l = l + 1) begin : g_level
      localparam NEXT = LEVELS - l > 1 ? LEVELS - l - 1 : 1;
      logic            valid, ended, filled;
      logic [31:0]     item;
      logic [NEXT-1:0] next_index;

      if (l == 0) begin : g_bottom
        fp_pairs #(.COUNT(PARTIALS), .ADD_LATENCY(ADD_LATENCY)) u_pairs (
          .clk_i(clk_i), .rst_ni(rst_ni), .soon_valid_i(soon_valid), .soon_ended_i(soon_ended),
          .soon_full_i(soon_full), .soon_index_i(soon_index), .item_i(sum),
          .soon_valid_o(valid), .soon_ended_o(ended), .soon_full_o(filled), .soon_index_o(next_index), .item_o(item)
        );
      end else begin : g_above
        fp_pairs #(.COUNT(PARTIALS >> l), .ADD_LATENCY(ADD_LATENCY)) u_pairs (
          .clk_i(clk_i), .rst_ni(rst_ni), .soon_valid_i(g_level[l-1].valid), .soon_ended_i(g_level[l-1].ended),
          .soon_full_i(g_level[l-1].filled), .soon_index_i(g_level[l-1].next_index), .item_i(g_level[l-1].item),
          .soon_valid_o(valid), .soon_ended_o(ended), .soon_full_o(filled), .soon_index_o(next_index), .item_o(item)
        );
      end
    end
  endgenerate

  // ---- The result is there in the cycle after its tag.
  logic done, unused_tag;

  generate
    if (LEVELS == 0) begin : g_single
      assign unused_tag = soon_full | (|soon_index);
      assign done = soon_valid & soon_ended;
      assign y_o = sum;
    end else begin : g_result
      assign unused_tag = g_level[LEVELS-1].filled | (|g_level[LEVELS-1].next_index);
      assign done = g_level[LEVELS-1].valid & g_level[LEVELS-1].ended;
      assign y_o = g_level[LEVELS-1].item;
    end
  endgenerate

  delay_valid #(.CYCLES(1)) u_done (.clk_i(clk_i), .rst_ni(rst_ni), .d_i(done), .q_o(valid_o));
endmodule

`default_nettype wire
