// One lane of the vector unit: three multipliers and an adder in a row, an integer on either side.
//
//   MULTIPLY, ADD, CONVERT   latencies of the operators
//
//   sum ─ join ─ to float ─┐
//   act ─ finite ──────────┴─ ×factor1 or itself ─┬─ ×gain or factor2 ─┬─ ×factor3, rotation, gate ─┬─ to integer
//                                                 squares              └─ + act, + 0, pairs ────────┴─ to act
//
// Latency from `x` (one cycle after act_i): see vector.sv, whose tags drive the inputs; select inputs without a cycle in
// their comment are constant during an instruction. Cycle 0 is the first one of the first multiplication.
`default_nettype none

module vector_lane #(
  parameter MULTIPLY = 3,
  parameter ADD      = 4,
  parameter CONVERT  = 3
) (
  input  logic        clk_i,
  // Sources.
  input  logic [31:0] sum_i,
  input  logic        wide_i,            // the sum before this one is the upper limb's
  input  logic [31:0] act_i,
  input  logic        act_keep_i,        // cycle −2; else +0
  input  logic        finite_i,
  input  logic [31:0] coef_i,            // element of the coefficient word
  // First and second multiplication.
  input  logic        from_act_i,
  input  logic        square_i,          // cycle −1
  input  logic [31:0] factor1_i,         // cycle −1
  input  logic        skip_first_i,      // the second multiplies act itself
  input  logic        per_element_i,
  input  logic [31:0] factor2_i,         // cycle MULTIPLY
  output logic [31:0] first_o,           // cycle MULTIPLY
  output logic [31:0] second_o,          // cycle 2·MULTIPLY + 1
  // Third multiplication: 0 second × factor3, 1 rotation, 2 gate, 3 act × the act before.
  input  logic [1:0]  third_i,
  input  logic [1:0]  rotation_i,        // cycle 2·MULTIPLY + 1: phase
  input  logic [31:0] factor3_i,
  input  logic [31:0] gate_left_i,
  input  logic [31:0] gate_right_i,
  output logic [31:0] third_left_o,
  output logic [31:0] third_o,
  // Addition: 0 second + act, 1 second + 0, 2 product before ± product, 3 act + the act before.
  input  logic [1:0]  addition_i,
  input  logic        subtract_i,        // the cycle in which the sum's operands are chosen
  // Results, registered; +0 without write.
  input  logic        take_product_i,    // write the third product, not the sum
  input  logic        write_i,
  output logic [31:0] float_o,
  input  logic [1:0]  limb_i,            // 0 int8, 1 high limb, 2 low limb
  input  logic        level_write_i,
  output logic [7:0]  level_o
);
  localparam [31:0] MINUS_ZERO = 32'h80000000;  // leaves every other addend as it is
  localparam signed [15:0] LOWEST_BYTE = -16'sd128, HIGHEST_BYTE = 16'sd127;

  // ---- Sources
  logic [31:0] sum_q, sum_before_q, act_finite, x_q, x_before_q, coef_q;
  logic [40:0] joined_q;
  logic [31:0] converted;

  vector_finite u_act_finite (.a_i(act_i), .y_o(act_finite));

  always_ff @(posedge clk_i) begin
    sum_q        <= sum_i;
    sum_before_q <= sum_q;
    joined_q     <= (wide_i ? {sum_before_q[31], sum_before_q, 8'd0} : 41'd0) + {{9{sum_q[31]}}, sum_q};
    x_q          <= !act_keep_i ? 32'd0 : finite_i ? act_finite : act_i;
    x_before_q   <= x_q;
    coef_q       <= coef_i;
  end

  fp_from_int #(.INT_WIDTH(41), .LATENCY(CONVERT)) u_convert (.clk_i(clk_i), .x_i(joined_q), .y_o(converted));

  // ---- Two multiplications in a row
  logic [31:0] left1_q, right1_q, left2_q, right2_q, x_late;

  delay #(.WIDTH(32), .CYCLES(MULTIPLY)) u_x_late (.clk_i(clk_i), .d_i(left1_q), .q_o(x_late));

  always_ff @(posedge clk_i) begin
    left1_q  <= from_act_i ? x_q : converted;
    right1_q <= square_i ? x_q : factor1_i;
    left2_q  <= skip_first_i ? x_late : first_o;
    right2_q <= per_element_i ? coef_q : factor2_i;
  end

  fp_mul #(.LATENCY(MULTIPLY)) u_first (.clk_i(clk_i), .a_i(left1_q), .b_i(right1_q), .y_o(first_o));
  fp_mul #(.LATENCY(MULTIPLY)) u_second (.clk_i(clk_i), .a_i(left2_q), .b_i(right2_q), .y_o(second_o));

  // ---- Third multiplication
  //
  //   rotation_i     0    1    2    3        y_i and y_j come in phases 0 and 1,
  //   left           y_i  y_j  y_j  y_i      c and s alternate in coef_q
  //   right          c    s    c    s
  logic [31:0] second_finite, left3_q, right3_q, y_first_q, third_before_q;

  vector_finite u_second_finite (.a_i(second_o), .y_o(second_finite));

  always_ff @(posedge clk_i) begin
    if (rotation_i == 2'd0) y_first_q <= second_o;
    case (third_i)
      2'd0: left3_q <= second_finite;
      2'd1: begin
        if (!rotation_i[1]) left3_q <= second_o;
        else if (rotation_i[0]) left3_q <= y_first_q;
      end
      2'd2: left3_q <= gate_left_i;
      default: left3_q <= x_before_q;
    endcase
    case (third_i)
      2'd0: right3_q <= factor3_i;
      2'd1: right3_q <= coef_q;
      2'd2: right3_q <= gate_right_i;
      default: right3_q <= x_q;
    endcase
    third_before_q <= third_o;
  end

  fp_mul #(.LATENCY(MULTIPLY)) u_third (.clk_i(clk_i), .a_i(left3_q), .b_i(right3_q), .y_o(third_o));

  assign third_left_o = left3_q;

  // ---- Addition
  logic [31:0] left_sum_q, right_sum_q, sum;
  logic        subtract_q;

  always_ff @(posedge clk_i) begin
    case (addition_i)
      2'd2: left_sum_q <= third_before_q;
      2'd3: left_sum_q <= x_before_q;
      default: left_sum_q <= second_o;
    endcase
    case (addition_i)
      2'd1: right_sum_q <= MINUS_ZERO;
      2'd2: right_sum_q <= third_o;
      default: right_sum_q <= x_q;
    endcase
    subtract_q <= subtract_i;
  end

  fp_add #(.LATENCY(ADD)) u_add (
    .clk_i(clk_i), .a_i(left_sum_q), .b_i(right_sum_q), .subtract_i(subtract_q), .y_o(sum)
  );

  // ---- Results
  logic signed [15:0] level;
  logic [7:0]         byte_level, level_q;
  logic [31:0]        float_q;

  fp_to_int #(.INT_WIDTH(16), .LOW(-32512), .HIGH(32512), .LATENCY(CONVERT)) u_level (
    .clk_i(clk_i), .x_i(third_o), .y_o(level)
  );

  // A level is 256·high + low, low being its last byte with sign.
  always_comb begin
    case (limb_i)
      2'd1: byte_level = level[15:8] + {7'd0, level[7]};
      2'd2: byte_level = level[7:0];
      default:
        byte_level = level > HIGHEST_BYTE ? HIGHEST_BYTE[7:0] : level < LOWEST_BYTE ? LOWEST_BYTE[7:0] : level[7:0];
    endcase
  end

  always_ff @(posedge clk_i) begin
    float_q <= !write_i ? 32'd0 : take_product_i ? third_o : sum;
    level_q <= level_write_i ? byte_level : 8'd0;
  end

  assign float_o = float_q;
  assign level_o = level_q;
endmodule

`default_nettype wire
