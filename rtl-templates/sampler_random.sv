// The draw's random number: the upper 24 bits of mix(seed xor mix(step + 0x9e3779b9)), where mix(x) is x ^= x >> 16,
// x *= 0x7feb352d, x ^= x >> 15, x *= 0x846ca68b, x ^= x >> 16, all modulo 2^32.
//
// start_i in cycle 0, draw_o from cycle 20 on until the next start.
`default_nettype none

module sampler_random (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        start_i,
  input  logic [31:0] seed_i,
  input  logic [31:0] step_i,
  output logic [23:0] draw_o
);
  localparam [31:0] FIRST_FACTOR = 32'h7feb_352d, SECOND_FACTOR = 32'h846c_a68b;

  // Step 0–3 first product, 4–7 second, 8 the seed; once more, and that is all.
  logic [31:0] x_q, operand, product, mixed_q;
  logic [3:0]  step_q;
  logic        again_q, active_q;

  assign operand = step_q[2] ? x_q ^ (x_q >> 15) : x_q ^ (x_q >> 16);

  multiply_low #(.LATENCY(3)) u_multiply (
    .clk_i(clk_i), .a_i(operand), .b_i(step_q[2] ? SECOND_FACTOR : FIRST_FACTOR), .y_o(product)
  );

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      x_q <= step_i + 32'h9e37_79b9;
      step_q <= 4'd0;
      again_q <= 1'b1;
    end else if (active_q) begin
      step_q <= step_q[3] ? 4'd0 : step_q + 4'd1;
      if (step_q[1:0] == 2'd3) x_q <= product;
      if (step_q[3]) begin
        again_q <= 1'b0;
        if (again_q) x_q <= x_q ^ (x_q >> 16) ^ seed_i;
      end
    end
    if (!rst_ni) active_q <= 1'b0;
    else         active_q <= start_i | (active_q & ~(step_q[3] & ~again_q));
    mixed_q <= x_q ^ (x_q >> 16);
  end

  logic unused_mixed;
  assign unused_mixed = ^mixed_q[7:0];

  assign draw_o = mixed_q[31:8];
endmodule

`default_nettype wire
