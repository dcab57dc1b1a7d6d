// Scores: the products of a key with its query become one number, which is scaled, kept and compared. There are two
// sets of scores and maxima; while one is filled the other is used. Maxima are kept as ranks: numbers without sign in
// the order of the floats, a NaN below all of them.
//
//   LANES, PARTIALS, ADD_LATENCY, MULTIPLY_LATENCY   of the reduction and of the scale
//   DEPTH                                            scores of an item at most
//
//   last_i in cycle 0 → score written in (log2 LANES + 1 + log2 PARTIALS) · A + M, compared in the cycle after
//   read_address_i in cycle 0 → score_o in cycle 2; maxima_o are what is known in the cycle
`default_nettype none

module attention_scores #(
  parameter LANES            = 4,
  parameter PARTIALS         = 8,
  parameter DEPTH            = 512,
  parameter ADD_LATENCY      = 4,
  parameter MULTIPLY_LATENCY = 3,
  parameter ADDRESS_BITS     = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,
  input  logic [31:0]             scale_i,
  // Products of a beat
  input  logic                    valid_i,
  input  logic                    last_i,       // beat of its position
  input  logic                    new_i,        // the item's first position
  input  logic                    set_i,
  input  logic [32*LANES-1:0]     products_i,
  // The maximum before the item's first score
  input  logic                    start_i,
  input  logic                    start_set_i,
  input  logic [31:0]             start_maximum_i, // a rank
  // Use
  input  logic                    read_set_i,
  input  logic [ADDRESS_BITS-1:0] read_address_i,
  output logic [31:0]             score_o,
  output logic [63:0]             maxima_o      // ranks, of set 1 and set 0
);
  localparam REDUCE_LATENCY = ($clog2(LANES) + 1 + $clog2(PARTIALS)) * ADD_LATENCY;

  logic [31:0] reduction, score;
  logic        reduced, valid, fresh, set;

  fp_reduce #(.LANES(LANES), .PARTIALS(PARTIALS), .ADD_LATENCY(ADD_LATENCY)) u_reduce (
    .clk_i(clk_i), .rst_ni(rst_ni), .valid_i(valid_i), .last_i(last_i), .values_i(products_i),
    .valid_o(reduced), .y_o(reduction)
  );
  fp_mul #(.EXP(8), .MAN(23), .LATENCY(MULTIPLY_LATENCY)) u_scale (
    .clk_i(clk_i), .a_i(reduction), .b_i(scale_i), .y_o(score)
  );
  delay_valid #(.WIDTH(1), .CYCLES(MULTIPLY_LATENCY)) u_valid (
    .clk_i(clk_i), .rst_ni(rst_ni), .d_i(reduced), .q_o(valid)
  );
  delay_valid #(.WIDTH(2), .CYCLES(REDUCE_LATENCY + MULTIPLY_LATENCY)) u_item (
    .clk_i(clk_i), .rst_ni(rst_ni), .d_i({new_i, set_i}), .q_o({fresh, set})
  );

  // ---- Scores
  logic [ADDRESS_BITS-1:0] next_q, address;

  assign address = fresh ? {ADDRESS_BITS{1'b0}} : next_q;

  always_ff @(posedge clk_i) begin
    if (valid) next_q <= address + 1'b1;
  end

  mem_simple #(.WIDTH(32), .DEPTH(2 << ADDRESS_BITS), .STYLE("block"), .READ_LATENCY(2)) u_scores (
    .clk_i(clk_i),
    .write_enable_i(valid),
    .write_address_i({set, address}),
    .write_data_i(score),
    .read_enable_i(1'b1),
    .read_address_i({read_set_i, read_address_i}),
    .read_data_o(score_o)
  );

  // ---- Maxima
  logic [31:0] rank_q, maximum_0_q, maximum_1_q;
  logic        valid_0_q, valid_1_q;

  always_ff @(posedge clk_i) begin
    rank_q <= score[31] ? ~score : {1'b1, score[30:0]};
    if ((&score[30:23]) & (|score[22:0])) rank_q <= 32'b0;
    valid_0_q <= valid & ~set;
    valid_1_q <= valid & set;

    if (start_i && !start_set_i)                  maximum_0_q <= start_maximum_i;
    else if (valid_0_q && (rank_q > maximum_0_q)) maximum_0_q <= rank_q;
    if (start_i && start_set_i)                   maximum_1_q <= start_maximum_i;
    else if (valid_1_q && (rank_q > maximum_1_q)) maximum_1_q <= rank_q;
  end

  assign maxima_o = {maximum_1_q, maximum_0_q};
endmodule

`default_nettype wire
