// A valid bit, or several, CYCLES clock cycles later. Reset clears what is on its way.
//
//   WIDTH    bits
//   CYCLES   0 (a wire) or more
`default_nettype none

module delay_valid #(
  parameter WIDTH  = 1,
  parameter CYCLES = 1
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic [WIDTH-1:0] d_i,
  output logic [WIDTH-1:0] q_o
);
  generate
    if (CYCLES == 0) begin : g_wire
      logic unused_inputs;
      assign unused_inputs = clk_i & rst_ni;
      assign q_o = d_i;
    end else if (CYCLES == 1) begin : g_register
      logic [WIDTH-1:0] pipe_q;
      always_ff @(posedge clk_i) begin
        if (!rst_ni) pipe_q <= 0;
        else         pipe_q <= d_i;
      end
      assign q_o = pipe_q;
    end else begin : g_pipe
      logic [CYCLES*WIDTH-1:0] pipe_q;
      always_ff @(posedge clk_i) begin
        if (!rst_ni) pipe_q <= 0;
        else         pipe_q <= {pipe_q[(CYCLES-1)*WIDTH-1:0], d_i};
      end
      assign q_o = pipe_q[CYCLES*WIDTH-1 -: WIDTH];
    end
  endgenerate
endmodule

`default_nettype wire
