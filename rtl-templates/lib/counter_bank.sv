// Sixteen counters of which one counts per cycle, from 0 after a reset; they wrap.
//
//   BITS   of a counter
//
// carry_o says in the same cycle that the counter wraps. What is counted in cycle c is read in c + 1.
`default_nettype none

module counter_bank #(
  parameter BITS = 24
) (
  input  logic            clk_i,
  input  logic            rst_ni,
  input  logic            enable_i,
  input  logic [3:0]      index_i,
  output logic            carry_o,
  input  logic [3:0]      read_index_i,
  output logic [BITS-1:0] read_data_o
);
  // A counter that has never counted is 0, whatever the memories hold.
  logic [15:0]     written_q;
  logic [BITS-1:0] stored, stored_read, count, next;

  assign count   = written_q[index_i] ? stored : '0;
  assign next    = count + 1'b1;
  assign carry_o = count == '1;

  // Two copies, as there are two readers.
  mem_distributed #(.WIDTH(BITS), .DEPTH(16)) u_count (
    .clk_i,
    .write_enable_i (enable_i),
    .write_address_i(index_i),
    .write_data_i   (next),
    .read_address_i (index_i),
    .read_data_o    (stored)
  );

  mem_distributed #(.WIDTH(BITS), .DEPTH(16)) u_read (
    .clk_i,
    .write_enable_i (enable_i),
    .write_address_i(index_i),
    .write_data_i   (next),
    .read_address_i (read_index_i),
    .read_data_o    (stored_read)
  );

  assign read_data_o = written_q[read_index_i] ? stored_read : '0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni)       written_q <= '0;
    else if (enable_i) written_q[index_i] <= 1'b1;
  end
endmodule

`default_nettype wire
