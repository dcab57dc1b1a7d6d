// A float32 as a float16 or a bfloat16, rounded once to nearest even, subnormals kept, any NaN the one NaN.
//
// One result per cycle, 3 cycles after its operand:
//
//   measure │ shift │ round │
//
// bfloat16_i comes with x_i.
`default_nettype none

module single_to_half (
  input  logic        clk_i,
  input  logic        bfloat16_i,
  input  logic [31:0] x_i,
  output logic [15:0] y_o
);
  // Fields of float32 of the least normal float16, of the least magnitude that does not vanish, and of those too large.
  localparam [7:0] NORMAL = 8'd113, LEAST = 8'd102, LARGE = 8'd143;

  // ---- Measure: how far the significand moves down when it becomes a subnormal float16; 12 leaves nothing of it.
  logic [7:0]  exponent;
  logic        bfloat16_m, sign_m, infinite_m, nan_m;
  logic [3:0]  shift, shift_m;
  logic [4:0]  field_m;
  logic [30:0] magnitude_m;

  assign exponent = x_i[30:23];

  always_comb begin
    shift = 4'd0;
    if (exponent < NORMAL) shift = 4'(NORMAL - exponent);
    if (exponent < LEAST)  shift = 4'd12;
  end

  always_ff @(posedge clk_i) begin
    bfloat16_m  <= bfloat16_i;
    sign_m      <= x_i[31];
    nan_m       <= exponent == 8'hff && x_i[22:0] != 23'd0;
    infinite_m  <= exponent >= LARGE && !bfloat16_i;
    shift_m     <= shift;
    field_m     <= exponent < NORMAL ? 5'd0 : 5'(exponent - (NORMAL - 8'd1));
    magnitude_m <= x_i[30:0];
  end

  // ---- Shift: 11 bits stay, the first of those that go says half, and the others whether there is anything more.
  logic [23:0] significand;
  logic [11:0] kept;
  logic        more;
  logic        bfloat16_s, sign_s, infinite_s, nan_s, half_s, more_s;
  logic [14:0] kept_s;

  assign significand = {1'b1, magnitude_m[22:0]};
  assign kept        = significand[23:12] >> shift_m;

  always_comb begin
    more = |significand[11:0];
    for (int place = 0; place < 12; place = place + 1) begin
      if (place < 32'(shift_m)) more = more | significand[12 + place];
    end
  end

  always_ff @(posedge clk_i) begin
    bfloat16_s <= bfloat16_m;
    sign_s     <= sign_m;
    infinite_s <= infinite_m;
    nan_s      <= nan_m;
    // The leading one of a normal number is not stored.
    kept_s     <= bfloat16_m ? magnitude_m[30:16] : {field_m, kept[10:1]};
    half_s     <= bfloat16_m ? magnitude_m[15] : kept[0];
    more_s     <= bfloat16_m ? magnitude_m[14:0] != 15'd0 : more;
  end

  // ---- Round: what carries out of the fraction makes the next exponent.
  logic [14:0] rounded;

  assign rounded = kept_s + {14'd0, half_s && (more_s || kept_s[0])};

  always_ff @(posedge clk_i) begin
    y_o <= {sign_s, rounded};
    if (infinite_s) y_o <= {sign_s, 15'h7c00};
    if (nan_s)      y_o <= bfloat16_s ? 16'h7fc0 : 16'h7e00;
  end

  logic unused;
  assign unused = kept[11];
endmodule

`default_nettype wire
