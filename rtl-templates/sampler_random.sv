// The draw's random number: the upper 24 bits of mix(seed xor mix(step + 0x9e3779b9)), divided by 2^24, where mix(x)
// is x ^= x >> 16, x *= 0x7feb352d, x ^= x >> 15, x *= 0x846ca68b, x ^= x >> 16, all modulo 2^32.
//
// start_i in cycle 0, uniform_o from cycle 17 on until the next start.
`default_nettype none

module sampler_random (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        start_i,
  input  logic [31:0] seed_i,
  input  logic [31:0] step_i,
  output logic [31:0] uniform_o
);
  localparam [31:0] FIRST_FACTOR = 32'h7feb_352d, SECOND_FACTOR = 32'h846c_a68b;

  // Step 0–2 first product, 3–5 second, 6 the seed; once more; 7 for good.
  logic [31:0] x_q, operand, product, mixed;
  logic [2:0]  step_q;
  logic        again_q, active_q;

  assign operand = step_q < 3'd3 ? x_q ^ (x_q >> 16) : x_q ^ (x_q >> 15);
  assign mixed   = x_q ^ (x_q >> 16);

  multiply_low #(.LATENCY(2)) u_multiply (
    .clk_i(clk_i), .a_i(operand), .b_i(step_q < 3'd3 ? FIRST_FACTOR : SECOND_FACTOR), .y_o(product)
  );

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      x_q <= step_i + 32'h9e37_79b9;
      step_q <= 3'd0;
      again_q <= 1'b1;
    end else if (active_q) begin
      step_q <= step_q + 3'd1;
      if (step_q == 3'd2 || step_q == 3'd5) x_q <= product;
      if (step_q == 3'd6) begin
        step_q <= again_q ? 3'd0 : 3'd7;
        again_q <= 1'b0;
        if (again_q) x_q <= mixed ^ seed_i;
      end
    end
    if (!rst_ni) active_q <= 1'b0;
    else         active_q <= start_i | (active_q & ~(step_q == 3'd6 & ~again_q));
  end

  // An integer below 2^24 is exact; 24 less in the exponent divides it by 2^24.
  logic [31:0] integer_value;

  fp_from_int #(.INT_WIDTH(25), .EXP(8), .MAN(23), .LATENCY(2)) u_float (
    .clk_i(clk_i), .x_i({1'b0, mixed[31:8]}), .y_o(integer_value)
  );

  logic unused_mixed;
  assign unused_mixed = ^mixed[7:0];

  always_comb begin
    uniform_o = integer_value;
    if (integer_value[30:23] != 0) uniform_o[30:23] = integer_value[30:23] - 8'd24;
  end
endmodule

`default_nettype wire
