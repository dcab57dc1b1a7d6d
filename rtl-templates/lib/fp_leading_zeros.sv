// Number of zeros above the first one, as a tree of pairs. Combinational.
//
//   WIDTH    bits of the vector; COUNT_BITS = $clog2(WIDTH), at least 1
//
// For a vector of zeros none_o is high and count_o means nothing.
`default_nettype none

module fp_leading_zeros #(
  parameter WIDTH      = 28,
  parameter COUNT_BITS = $clog2(WIDTH)
) (
  input  logic [WIDTH-1:0]      d_i,
  output logic [COUNT_BITS-1:0] count_o,
  output logic                  none_o
);
  localparam LEAVES = 1 << COUNT_BITS;

  // Nodes are numbered like a heap: node n has the halves 2n (upper) and 2n + 1; the leaves are the bits.
  logic [2*LEAVES-1:0]            zero;
  logic [2*LEAVES*COUNT_BITS-1:0] count;

  always_comb begin
    zero = {2 * LEAVES{1'b1}};
    count = 0;
    for (int i = 0; i < WIDTH; i = i + 1) zero[LEAVES+i] = !d_i[WIDTH-1-i];
    for (int level = 0; level < COUNT_BITS; level = level + 1) begin
      for (int n = LEAVES >> (level + 1); n < LEAVES >> level; n = n + 1) begin
        zero[n] = zero[2*n] && zero[2*n+1];
        count[n*COUNT_BITS +: COUNT_BITS] = zero[2*n] ? count[(2*n+1)*COUNT_BITS +: COUNT_BITS]
                                                      : count[2*n*COUNT_BITS +: COUNT_BITS];
        count[n*COUNT_BITS+level] = zero[2*n];
      end
    end
  end

  assign count_o = count[COUNT_BITS +: COUNT_BITS];
  assign none_o = zero[1];
endmodule

`default_nettype wire
