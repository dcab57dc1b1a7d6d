// A small memory in LUTs: written at the clock edge, read in the same cycle.
//
//   WIDTH, DEPTH   bits of a word, words
//
// A word written in cycle c is seen by an address given in c + 1.
`default_nettype none

module mem_distributed #(
  parameter WIDTH        = 32,
  parameter DEPTH        = 32,
  parameter ADDRESS_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
  input  logic                    clk_i,
  input  logic                    write_enable_i,
  input  logic [ADDRESS_BITS-1:0] write_address_i,
  input  logic [WIDTH-1:0]        write_data_i,
  input  logic [ADDRESS_BITS-1:0] read_address_i,
  output logic [WIDTH-1:0]        read_data_o
);
  (* ram_style = "distributed" *)
  logic [WIDTH-1:0] mem [0:DEPTH-1];

  always_ff @(posedge clk_i) begin
    if (write_enable_i) mem[write_address_i] <= write_data_i;
  end

  assign read_data_o = mem[read_address_i];
endmodule

`default_nettype wire
