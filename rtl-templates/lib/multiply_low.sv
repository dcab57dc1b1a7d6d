// The low 32 bits of a product.
//
//   LATENCY   0: combinational; 1: operands in registers; 2: and partial products; 3 and more: and the product
//
// y_o is the product in cycle c + LATENCY and later, if the operands are there from c on and do not change meanwhile.
`default_nettype none

module multiply_low #(
  parameter LATENCY = 2
) (
  input  logic        clk_i,
  input  logic [31:0] a_i,
  input  logic [31:0] b_i,
  output logic [31:0] y_o
);
  logic [31:0] a, b;
  logic [31:0] low_d, low;
  logic [15:0] middle_left_d, middle_left, middle_right_d, middle_right;
  logic [31:0] product;

  // The halves' product of both upper halves lies above bit 31.
  assign low_d          = {16'd0, a[15:0]} * {16'd0, b[15:0]};
  assign middle_left_d  = a[31:16] * b[15:0];
  assign middle_right_d = a[15:0] * b[31:16];
  assign product        = {low[31:16] + middle_left + middle_right, low[15:0]};

  generate
    if (LATENCY == 0) begin : g_operands
      assign a = a_i;
      assign b = b_i;
      logic unused;
      assign unused = &{1'b0, clk_i};
    end else begin : g_operands_q
      logic [31:0] a_q, b_q;
      always_ff @(posedge clk_i) begin
        a_q <= a_i;
        b_q <= b_i;
      end
      assign a = a_q;
      assign b = b_q;
    end

    if (LATENCY < 2) begin : g_partial
      assign low          = low_d;
      assign middle_left  = middle_left_d;
      assign middle_right = middle_right_d;
    end else begin : g_partial_q
      logic [31:0] low_q;
      logic [15:0] middle_left_q, middle_right_q;
      always_ff @(posedge clk_i) begin
        low_q          <= low_d;
        middle_left_q  <= middle_left_d;
        middle_right_q <= middle_right_d;
      end
      assign low          = low_q;
      assign middle_left  = middle_left_q;
      assign middle_right = middle_right_q;
    end

    if (LATENCY < 3) begin : g_product
      assign y_o = product;
    end else begin : g_product_q
      logic [31:0] product_q;
      always_ff @(posedge clk_i) product_q <= product;
      assign y_o = product_q;
    end
  endgenerate
endmodule

`default_nettype wire
