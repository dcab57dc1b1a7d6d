// Rotates lanes upwards: lane l of the result is lane (l - amount_i) mod LANES of the data. Combinational.
//
//   LANES   a power of two
//   WIDTH   bits of a lane
`default_nettype none

module lane_rotate #(
  parameter LANES = 8,
  parameter WIDTH = 32,
  parameter AMOUNT_BITS = LANES > 1 ? $clog2(LANES) : 1
) (
  input  logic [LANES*WIDTH-1:0] data_i,
  input  logic [AMOUNT_BITS-1:0] amount_i,
  output logic [LANES*WIDTH-1:0] data_o
);
  always_comb begin
    data_o = data_i;
    for (int place = 0; place < $clog2(LANES); place = place + 1) begin
      if (amount_i[place]) data_o = (data_o << (WIDTH << place)) | (data_o >> ((LANES - (1 << place)) * WIDTH));
    end
  end
endmodule

`default_nettype wire
