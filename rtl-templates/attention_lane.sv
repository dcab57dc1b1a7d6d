// One lane of attention: a multiplier for scores, weighted sums, rescaling and division in turn, and an adder with a
// small memory for partial outputs and their tree.
//
//   PARTIALS          words of the memory
//   MULTIPLY_LATENCY, ADD_LATENCY
//
//   cycle     0         1          1 + M       2 + M             2 + M + A
//             select_i  operands   product_o   adder's operands  sum_o, to be written to write_address_i
//                                  read_address_i, fresh_i, again_i, clear_i
//
// The adder adds the word read, or +0 if fresh_i, to the product, or +0 if clear_i. With again_i it adds the word read
// in this cycle to that of the cycle before.
`default_nettype none

module attention_lane #(
  parameter PARTIALS         = 16,
  parameter MULTIPLY_LATENCY = 3,
  parameter ADD_LATENCY      = 4,
  parameter ADDRESS_BITS     = PARTIALS > 1 ? $clog2(PARTIALS) : 1
) (
  input  logic                    clk_i,
  input  logic [31:0]             query_i,
  input  logic [31:0]             scalar_i,
  input  logic [31:0]             kv_i,
  input  logic [31:0]             output_i,         // the running output
  input  logic                    select_query_i,   // not the scalar
  input  logic                    select_output_i,  // not the key or value
  output logic [31:0]             product_o,
  input  logic [ADDRESS_BITS-1:0] read_address_i,
  input  logic                    fresh_i,
  input  logic                    again_i,
  input  logic                    clear_i,
  input  logic                    write_enable_i,
  input  logic [ADDRESS_BITS-1:0] write_address_i,
  output logic [31:0]             sum_o
);
  logic [31:0] a_q, b_q, x_q, y_q, partial;

  always_ff @(posedge clk_i) begin
    a_q <= select_query_i ? query_i : scalar_i;
    b_q <= select_output_i ? output_i : kv_i;
  end

  fp_mul #(.EXP(8), .MAN(23), .LATENCY(MULTIPLY_LATENCY)) u_mul (
    .clk_i(clk_i), .a_i(a_q), .b_i(b_q), .y_o(product_o)
  );

  mem_distributed #(.WIDTH(32), .DEPTH(PARTIALS)) u_partials (
    .clk_i(clk_i),
    .write_enable_i(write_enable_i),
    .write_address_i(write_address_i),
    .write_data_i(sum_o),
    .read_address_i(read_address_i),
    .read_data_o(partial)
  );

  always_ff @(posedge clk_i) begin
    if (fresh_i) x_q <= 32'b0;
    else         x_q <= partial;
    if (clear_i) y_q <= 32'b0;
    else         y_q <= again_i ? x_q : product_o;
  end

  fp_add #(.EXP(8), .MAN(23), .LATENCY(ADD_LATENCY)) u_add (
    .clk_i(clk_i), .a_i(x_q), .b_i(y_q), .subtract_i(1'b0), .y_o(sum_o)
  );
endmodule

`default_nettype wire
