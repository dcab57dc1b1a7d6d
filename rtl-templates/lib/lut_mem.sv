// A table in LUT RAM: one write port and many read ports.
//
//   WIDTH, DEPTH   bits of an entry, entries
//   READS          read ports
//
// An entry written in cycle c is seen by an address given in c + 1; reading takes no clock edge.
//
// Eight LUTs of a slice are one write port and seven read ports of a bit, or one of seven bits. So every seven read
// ports have a copy of their own, and fewer share what is left over with none.
`default_nettype none

module lut_mem #(
  parameter WIDTH        = 11,
  parameter DEPTH        = 64,
  parameter READS        = 8,
  parameter ADDRESS_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
  input  logic                          clk_i,
  input  logic                          write_enable_i,
  input  logic [ADDRESS_BITS-1:0]       write_address_i,
  input  logic [WIDTH-1:0]              write_data_i,
  input  logic [READS*ADDRESS_BITS-1:0] read_address_i,
  output logic [READS*WIDTH-1:0]        read_data_o
);
  localparam SHARED = 7;

  generate
    for (genvar first = 0; first < READS; first = first + SHARED) begin : g_copy
      localparam PORTS = READS - first < SHARED ? READS - first : SHARED;
      logic [PORTS*WIDTH-1:0] found;
      (* ram_style = "distributed" *)
      logic [WIDTH-1:0] mem [0:DEPTH-1];

      always_ff @(posedge clk_i) begin
        if (write_enable_i) mem[write_address_i] <= write_data_i;
      end

      always_comb begin
        for (int port = 0; port < PORTS; port = port + 1) begin
          found[port*WIDTH +: WIDTH] = mem[read_address_i[(first + port)*ADDRESS_BITS +: ADDRESS_BITS]];
        end
      end

      assign read_data_o[first*WIDTH +: PORTS*WIDTH] = found;
    end
  endgenerate
endmodule

`default_nettype wire
