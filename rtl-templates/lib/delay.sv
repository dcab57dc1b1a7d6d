// A value, CYCLES clock cycles later. Without reset, so that it becomes shift-register LUTs.
//
//   WIDTH    bits
//   CYCLES   0 (a wire) or more
`default_nettype none

module delay #(
  parameter WIDTH  = 1,
  parameter CYCLES = 1
) (
  input  logic             clk_i,
  input  logic [WIDTH-1:0] d_i,
  output logic [WIDTH-1:0] q_o
);
  generate
    if (CYCLES == 0) begin : g_wire
      logic unused_clk;
      assign unused_clk = clk_i;
      assign q_o = d_i;
    end else if (CYCLES == 1) begin : g_register
      logic [WIDTH-1:0] pipe_q;
      always_ff @(posedge clk_i) pipe_q <= d_i;
      assign q_o = pipe_q;
    end else begin : g_pipe
      logic [CYCLES*WIDTH-1:0] pipe_q;
      always_ff @(posedge clk_i) pipe_q <= {pipe_q[(CYCLES-1)*WIDTH-1:0], d_i};
      assign q_o = pipe_q[CYCLES*WIDTH-1 -: WIDTH];
    end
  endgenerate
endmodule

`default_nettype wire
