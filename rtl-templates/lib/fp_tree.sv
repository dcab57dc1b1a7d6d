// Sum of COUNT float32 values by a tree that adds neighbours: (v0 + v1) + (v2 + v3), and so on up.
//
//   COUNT          a power of two; 1 is a wire
//   ADD_LATENCY    cycles of one addition
//   Latency: $clog2(COUNT)·ADD_LATENCY cycles; one sum per cycle
`default_nettype none

module fp_tree #(
  parameter COUNT       = 16,
  parameter ADD_LATENCY = 4
) (
  input  logic                clk_i,
  input  logic [32*COUNT-1:0] values_i,
  output logic [31:0]         y_o
);
  genvar n;
  generate
    // Node n adds nodes 2n and 2n + 1; nodes from COUNT on are the values, node 1 is the sum of all.
    for (n = COUNT - 1; n >= 1; n = n - 1) begin : g_node
      logic [31:0] sum;

      if (2 * n >= COUNT) begin : g_values
        fp_add #(.EXP(8), .MAN(23), .LATENCY(ADD_LATENCY)) u_add (
          .clk_i(clk_i), .a_i(values_i[32*(2*n-COUNT) +: 32]), .b_i(values_i[32*(2*n+1-COUNT) +: 32]),
          .subtract_i(1'b0), .y_o(sum)
        );
      end else begin : g_nodes
        fp_add #(.EXP(8), .MAN(23), .LATENCY(ADD_LATENCY)) u_add (
          .clk_i(clk_i), .a_i(g_node[2*n].sum), .b_i(g_node[2*n+1].sum), .subtract_i(1'b0), .y_o(sum)
        );
      end
    end

    if (COUNT == 1) begin : g_wire
      logic unused_clk;
      assign unused_clk = clk_i;
      assign y_o = values_i;
    end else begin : g_sum
      assign y_o = g_node[1].sum;
    end
  endgenerate
endmodule

`default_nettype wire
