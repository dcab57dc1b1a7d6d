// A float as a signed integer: to nearest, ties to even, clamped to LOW…HIGH (infinities too); a NaN becomes 0.
//
//   EXP, MAN     bits of the exponent field and of the fraction
//   INT_WIDTH    bits of the integer
//   LOW, HIGH    within INT_WIDTH bits, LOW not above 0 and HIGH not below
//   LATENCY      1 or more: y_o belongs to the number of LATENCY cycles before; one result per cycle
//
//   measure │ shift │ round, clamp │
//   registers: LATENCY 1  at the end    2  + after shift    3  + after measure    more: behind the last
`default_nettype none

module fp_to_int #(
  parameter EXP       = 8,
  parameter MAN       = 23,
  parameter INT_WIDTH = 8,
  parameter signed LOW  = -128,
  parameter signed HIGH = 127,
  parameter LATENCY   = 3
) (
  input  logic                 clk_i,
  input  logic [EXP+MAN:0]     x_i,
  output logic [INT_WIDTH-1:0] y_o
);
  localparam AFTER_MEASURE = LATENCY >= 3 ? 1 : 0;
  localparam AFTER_SHIFT   = LATENCY >= 2 ? 1 : 0;
  localparam AT_END        = LATENCY - AFTER_MEASURE - AFTER_SHIFT;

  localparam SIG    = MAN + 1;
  localparam WIDE   = INT_WIDTH + 1;      // INT_WIDTH − 1 integer bits, round bit, sticky bit
  localparam AMOUNT = (EXP > $clog2(INT_WIDTH) ? EXP : $clog2(INT_WIDTH)) + 1;
  localparam BIAS   = (1 << (EXP - 1)) - 1;
  localparam TOP    = BIAS + INT_WIDTH - 2;   // exponent field of a number with INT_WIDTH − 1 integer bits

  // ---- Measure
  logic              sign, nan, huge;
  logic [AMOUNT-1:0] amount;
  logic [WIDE-1:0]   value;

  generate
    if (SIG > INT_WIDTH) begin : g_cut
      // What lies below the round bit at the smallest shift only matters for being zero or not.
      assign value = {|x_i[EXP+MAN-1:MAN], x_i[MAN-1 -: INT_WIDTH-1], |x_i[SIG-INT_WIDTH-1:0]};
    end else begin : g_fill
      assign value = {|x_i[EXP+MAN-1:MAN], x_i[MAN-1:0], {(WIDE-SIG){1'b0}}};
    end
  endgenerate

  always_comb begin
    sign = x_i[EXP+MAN];
    nan = x_i[EXP+MAN-1:0] > {{EXP{1'b1}}, {MAN{1'b0}}};
    amount = TOP[AMOUNT-1:0] - {{(AMOUNT-EXP){1'b0}}, x_i[EXP+MAN-1:MAN]};
    huge = {{(AMOUNT-EXP){1'b0}}, x_i[EXP+MAN-1:MAN]} > TOP[AMOUNT-1:0];
    // Where the integer is wider than the format reaches, an infinity has no room above.
    if (&x_i[EXP+MAN-1:MAN]) huge = 1'b1;
  end

  logic              sign_m, nan_m, huge_m;
  logic [AMOUNT-1:0] amount_m;
  logic [WIDE-1:0]   value_m;

  delay #(.WIDTH(3 + AMOUNT + WIDE), .CYCLES(AFTER_MEASURE)) u_measure (
    .clk_i(clk_i), .d_i({sign, nan, huge, amount, value}), .q_o({sign_m, nan_m, huge_m, amount_m, value_m})
  );

  // ---- Shift
  logic [WIDE-1:0] shifted;

  fp_shift_jam #(.WIDTH(WIDE), .AMOUNT_BITS(AMOUNT)) u_shift (.d_i(value_m), .amount_i(amount_m), .q_o(shifted));

  logic            sign_s, nan_s, huge_s;
  logic [WIDE-1:0] shifted_s;

  delay #(.WIDTH(3 + WIDE), .CYCLES(AFTER_SHIFT)) u_shifted (
    .clk_i(clk_i), .d_i({sign_m, nan_m, huge_m, shifted}), .q_o({sign_s, nan_s, huge_s, shifted_s})
  );

  // ---- Round: −(m + up) = ~m + !up. A magnitude at the limit before it is rounded is clamped, so what remains fits.
  localparam [INT_WIDTH-1:0] HIGHEST = HIGH[INT_WIDTH-1:0];
  localparam [INT_WIDTH-1:0] LOWEST  = LOW[INT_WIDTH-1:0];
  localparam [INT_WIDTH-1:0] DEPTH   = -LOWEST;     // 2^(INT_WIDTH − 1) as an unsigned number, too

  logic                 up, clamp, carry_unused;
  logic [INT_WIDTH-1:0] magnitude, rounded, y;

  always_comb begin
    magnitude = {1'b0, shifted_s[WIDE-1:2]};
    up = shifted_s[1] & (shifted_s[0] | shifted_s[2]);
    clamp = huge_s | (magnitude >= (sign_s ? DEPTH : HIGHEST));
    {rounded, carry_unused} = {magnitude ^ {INT_WIDTH{sign_s}}, 1'b1}
      + {{INT_WIDTH{1'b0}}, up ^ sign_s};
    y = rounded;
    if (nan_s) y = 0;
    else if (clamp) y = sign_s ? LOWEST : HIGHEST;
  end

  delay #(.WIDTH(INT_WIDTH), .CYCLES(AT_END)) u_end (.clk_i(clk_i), .d_i(y), .q_o(y_o));
endmodule

`default_nettype wire
