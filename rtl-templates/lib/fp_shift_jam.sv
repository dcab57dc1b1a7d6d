// Shift right; the lowest bit of the result also stands for every one that was shifted out ("jamming"), so that a
// rounding after it is right. Combinational.
//
//   WIDTH          bits of the vector
//   AMOUNT_BITS    bits of the shift amount; amounts of WIDTH and more leave the lowest bit alone
//   LOWEST         lowest bit of the amount that counts: the user shifts by those below, where that costs less
`default_nettype none

module fp_shift_jam #(
  parameter WIDTH       = 27,
  parameter AMOUNT_BITS = 8,
  parameter LOWEST      = 0
) (
  input  logic [WIDTH-1:0]       d_i,
  input  logic [AMOUNT_BITS-1:0] amount_i,
  output logic [WIDTH-1:0]       q_o
);
  localparam FULL_STEPS = $clog2(WIDTH);
  localparam STEPS = AMOUNT_BITS < FULL_STEPS ? AMOUNT_BITS : FULL_STEPS;

  logic [STEPS-1:0] amount;
  logic [WIDTH-1:0] shifted;
  logic             lost, unused_amount;

  generate
    if (AMOUNT_BITS > STEPS) begin : g_far
      // The largest shift leaves the highest bit at most, and that in the lowest place: it will do for any larger one.
      assign amount = amount_i[STEPS-1:0] | {STEPS{|amount_i[AMOUNT_BITS-1:STEPS]}};
    end else begin : g_near
      assign amount = amount_i;
    end
  endgenerate

  always_comb begin
    shifted = d_i;
    lost = 1'b0;
    for (int step = STEPS - 1; step >= LOWEST; step = step - 1) begin
      if (amount[step]) begin
        for (int i = 0; i < WIDTH; i = i + 1) begin
          if (i < 1 << step) lost = lost | shifted[i];
        end
        shifted = shifted >> (1 << step);
      end
    end
    unused_amount = ^amount;
    q_o = shifted;
    q_o[0] = shifted[0] | lost;
  end
endmodule

`default_nettype wire
