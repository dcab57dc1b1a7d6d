// Watches one AXI4 port of a master and its slave, and says which rule is broken. It drives nothing.
//
//   PORT_BITS     bits of a beat
//   OUTSTANDING   most bursts in flight, reads and writes together
//
// broken_o has one bit per rule, high in the cycle of the breach; a co-simulation stops on any. With FORMAL defined,
// rules of the master are assertions and those of the slave assumptions.
//
//   master   0  an address is held, unchanged, until it is taken
//            1  a burst is INCR, of whole beats, and does not cross a multiple of 4096
//            2  no more than OUTSTANDING bursts are in flight
//            3  write data is held, unchanged, until it is taken
//            4  write data follows its address, with WLAST on the last beat of each burst
//   slave    5  a read beat answers a request, with RLAST on the last beat of each burst
//            6  an answer to a write follows its last beat
//
// Bursts of one direction are in order (there is one ID), so the oldest one explains every beat.
`default_nettype none

module axi_monitor #(
  parameter PORT_BITS   = 128,
  parameter OUTSTANDING = 4
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  input  logic [63:0]            araddr_i,
  input  logic [7:0]             arlen_i,
  input  logic [2:0]             arsize_i,
  input  logic [1:0]             arburst_i,
  input  logic                   arvalid_i,
  input  logic                   arready_i,
  input  logic                   rlast_i,
  input  logic                   rvalid_i,
  input  logic                   rready_i,
  input  logic [63:0]            awaddr_i,
  input  logic [7:0]             awlen_i,
  input  logic [2:0]             awsize_i,
  input  logic [1:0]             awburst_i,
  input  logic                   awvalid_i,
  input  logic                   awready_i,
  input  logic [PORT_BITS-1:0]   wdata_i,
  input  logic [PORT_BITS/8-1:0] wstrb_i,
  input  logic                   wlast_i,
  input  logic                   wvalid_i,
  input  logic                   wready_i,
  input  logic                   bvalid_i,
  input  logic                   bready_i,
  output logic [6:0]             broken_o
);
  localparam LOW        = $clog2(PORT_BITS / 8);
  localparam COUNT_BITS = $clog2(OUTSTANDING + 1) + 1;

  // What was offered in the cycle before and not taken.
  logic                 ar_held_q, aw_held_q, w_held_q;
  logic [76:0]          ar_q, aw_q;
  logic [PORT_BITS+PORT_BITS/8:0] w_q;

  always_ff @(posedge clk_i) begin
    ar_held_q <= rst_ni && arvalid_i && !arready_i;
    aw_held_q <= rst_ni && awvalid_i && !awready_i;
    w_held_q  <= rst_ni && wvalid_i && !wready_i;
    ar_q      <= {araddr_i, arlen_i, arsize_i, arburst_i};
    aw_q      <= {awaddr_i, awlen_i, awsize_i, awburst_i};
    w_q       <= {wdata_i, wstrb_i, wlast_i};
  end

  // Bursts in flight, and of the writes those whose beats have all gone.
  logic                  ar_taken, aw_taken, r_taken, w_taken, b_taken;
  logic [COUNT_BITS-1:0] reads_q, writes_q, written_q;
  logic [7:0]            read_length, write_length, read_beat_q, write_beat_q;
  logic                  no_reads, no_writes;

  assign ar_taken = arvalid_i && arready_i;
  assign aw_taken = awvalid_i && awready_i;
  assign r_taken  = rvalid_i && rready_i;
  assign w_taken  = wvalid_i && wready_i;
  assign b_taken  = bvalid_i && bready_i;

  logic                             unused_full_reads, unused_full_writes;
  logic [$clog2(OUTSTANDING+1)-1:0] unused_count_reads, unused_count_writes;

  fifo #(.WIDTH(8), .DEPTH(OUTSTANDING)) u_reads (
    .clk_i, .rst_ni,
    .push_i(ar_taken), .data_i(arlen_i), .full_o(unused_full_reads),
    .pop_i(r_taken && rlast_i && !no_reads), .data_o(read_length), .empty_o(no_reads), .count_o(unused_count_reads)
  );

  fifo #(.WIDTH(8), .DEPTH(OUTSTANDING)) u_writes (
    .clk_i, .rst_ni,
    .push_i(aw_taken), .data_i(awlen_i), .full_o(unused_full_writes),
    .pop_i(w_taken && wlast_i && !no_writes), .data_o(write_length), .empty_o(no_writes), .count_o(unused_count_writes)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      reads_q      <= '0;
      writes_q     <= '0;
      written_q    <= '0;
      read_beat_q  <= '0;
      write_beat_q <= '0;
    end else begin
      reads_q   <= reads_q + COUNT_BITS'(ar_taken) - COUNT_BITS'(r_taken && rlast_i);
      writes_q  <= writes_q + COUNT_BITS'(aw_taken) - COUNT_BITS'(b_taken);
      written_q <= written_q + COUNT_BITS'(w_taken && wlast_i) - COUNT_BITS'(b_taken);
      if (r_taken) read_beat_q  <= rlast_i ? '0 : read_beat_q + 1'b1;
      if (w_taken) write_beat_q <= wlast_i ? '0 : write_beat_q + 1'b1;
    end
  end

  // The last byte of a burst is in the page of the first.
  logic [12:0] ar_end, aw_end;
  logic        ar_legal, aw_legal;

  assign ar_end   = 13'({1'b0, araddr_i[11:0]}) + (13'({5'd0, arlen_i} + 13'd1) << LOW);
  assign aw_end   = 13'({1'b0, awaddr_i[11:0]}) + (13'({5'd0, awlen_i} + 13'd1) << LOW);
  assign ar_legal = arburst_i == 2'b01 && arsize_i == 3'(LOW) && araddr_i[LOW-1:0] == '0 && ar_end <= 13'd4096;
  assign aw_legal = awburst_i == 2'b01 && awsize_i == 3'(LOW) && awaddr_i[LOW-1:0] == '0 && aw_end <= 13'd4096;

  always_comb begin
    broken_o = '0;
    if (rst_ni) begin
      broken_o[0] = (ar_held_q && (!arvalid_i || ar_q != {araddr_i, arlen_i, arsize_i, arburst_i}))
                 || (aw_held_q && (!awvalid_i || aw_q != {awaddr_i, awlen_i, awsize_i, awburst_i}));
      broken_o[1] = (arvalid_i && !ar_legal) || (awvalid_i && !aw_legal);
      broken_o[2] = (arvalid_i || awvalid_i) && 32'(reads_q) + 32'(writes_q) >= OUTSTANDING;
      broken_o[3] = w_held_q && (!wvalid_i || w_q != {wdata_i, wstrb_i, wlast_i});
      broken_o[4] = wvalid_i && (no_writes || wlast_i != (write_beat_q == write_length));
      broken_o[5] = rvalid_i && (no_reads || rlast_i != (read_beat_q == read_length));
      broken_o[6] = bvalid_i && written_q == '0;
    end
  end

`ifdef FORMAL
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      assert (broken_o[4:0] == '0);
      assume (broken_o[6:5] == '0);
    end
  end
`endif
endmodule

`default_nettype wire
