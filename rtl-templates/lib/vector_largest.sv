// Largest magnitude of a row of float32 without NaN, LANES of them per beat: a tree of registers, then the row so far.
//
//   LANES   a power of two
//
// Magnitudes compare as integers. late_valid_i and late_first_i belong to the beat that came log2(LANES) cycles before;
// largest_o has it in the next cycle.
`default_nettype none

module vector_largest #(
  parameter LANES = 16
) (
  input  logic                clk_i,
  input  logic [LANES*31-1:0] magnitudes_i,
  input  logic                late_valid_i,
  input  logic                late_first_i,
  output logic [30:0]         largest_o
);
  // Node n has the children 2n and 2n + 1; the leaves are the lanes, node 0 is the row so far.
  logic [LANES*31-1:0]   inner_q, inner_d;
  logic [2*LANES*31-1:0] node;

  assign node = {magnitudes_i, inner_q};

  always_comb begin : b_tree
    integer n;
    inner_d = 0;
    for (n = 1; n < LANES; n = n + 1) begin
      inner_d[n*31 +: 31] =
        node[2*n*31 +: 31] > node[(2*n+1)*31 +: 31] ? node[2*n*31 +: 31] : node[(2*n+1)*31 +: 31];
    end
    inner_d[30:0] = node[30:0];
    if (late_valid_i && (late_first_i || node[61:31] > node[30:0])) inner_d[30:0] = node[61:31];
  end

  always_ff @(posedge clk_i) inner_q <= inner_d;

  assign largest_o = inner_q[30:0];
endmodule

`default_nettype wire
