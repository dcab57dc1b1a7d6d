// float16 to float32, which is always exact. Combinational, and shorter than `fp_convert`, which rounds.
//
// A subnormal is normalised: with z zeros before its leading one it is a float32 of exponent field 112 - z.
`default_nettype none

module half_to_single (
  input  logic [15:0] x_i,
  output logic [31:0] y_o
);
  logic [4:0] field;
  logic [9:0] fraction, moved;
  logic [7:0] small_field;

  assign field    = x_i[14:10];
  assign fraction = x_i[9:0];

  // The highest one counts, since it comes last.
  always_comb begin
    moved       = '0;
    small_field = 8'd0;
    for (int place = 0; place < 10; place = place + 1) begin
      if (fraction[place]) begin
        moved       = fraction << (10 - place);
        small_field = 8'(103 + place);
      end
    end
  end

  always_comb begin
    y_o = {x_i[15], 8'd112 + {3'd0, field}, fraction, 13'd0};
    if (field == 5'd0)                    y_o = {x_i[15], small_field, moved, 13'd0};
    if (field == 5'd31)                   y_o = {x_i[15], 8'hff, 23'd0};
    if (field == 5'd31 && fraction != '0) y_o = 32'h7fc00000;
  end
endmodule

`default_nettype wire
