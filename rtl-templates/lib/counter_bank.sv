// Sixteen counters of which one counts per cycle; they wrap.
//
//   BITS   of a counter
//
// clear_i sets the counter at index_i to 0. What is counted in cycle c is read in c + 1.
`default_nettype none

module counter_bank #(
  parameter BITS = 9
) (
  input  logic            clk_i,
  input  logic            enable_i,
  input  logic            clear_i,
  input  logic [3:0]      index_i,
  input  logic [3:0]      read_index_i,
  output logic [BITS-1:0] read_data_o
);
  logic [BITS-1:0] count, next;

  assign next = clear_i ? '0 : count + 1'b1;

  // Two copies, as there are two readers.
  mem_distributed #(.WIDTH(BITS), .DEPTH(16)) u_count (
    .clk_i,
    .write_enable_i (enable_i || clear_i),
    .write_address_i(index_i),
    .write_data_i   (next),
    .read_address_i (index_i),
    .read_data_o    (count)
  );

  mem_distributed #(.WIDTH(BITS), .DEPTH(16)) u_read (
    .clk_i,
    .write_enable_i (enable_i || clear_i),
    .write_address_i(index_i),
    .write_data_i   (next),
    .read_address_i (read_index_i),
    .read_data_o    (read_data_o)
  );
endmodule

`default_nettype wire
