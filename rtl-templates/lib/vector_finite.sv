// What the quantiser takes a float32 for: a NaN is 0, an infinity the largest number of its sign. Combinational.
`default_nettype none

module vector_finite (
  input  logic [31:0] a_i,
  output logic [31:0] y_o
);
  logic special, nan;

  assign special = &a_i[30:23];
  assign nan     = |a_i[22:0];

  always_comb begin
    y_o = a_i;
    if (special) y_o = nan ? 32'd0 : {a_i[31], 31'h7f7fffff};
  end
endmodule

`default_nettype wire
