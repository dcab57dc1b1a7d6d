// Watches one AXI4 port of a master and its slave, and says which rule is broken. It drives nothing.
//
//   PORT_BITS     bits of a beat
//   OUTSTANDING   most bursts in flight, reads and writes together
//   BURST_BEATS   longest burst
//
// broken_o has one bit per rule, high in the cycle of the breach; what it says behind a breach means nothing. Rules of
// the master:
//   0  an address is held, unchanged, until it is taken
//   1  a burst is INCR, of whole beats, not too long, and does not cross a multiple of 4096
//   2  no more than OUTSTANDING bursts are in flight
//   3  write data is held, unchanged, until it is taken
//   4  write data comes behind its address, with WLAST on the last beat of each burst and on no other
//   7  after a stop nothing is shown but what was, and the data that is owed, without strobes; when draining has ended
//      nothing is shown and nothing in flight
// and of the slave:
//   5  a read beat answers a request, with RLAST on the last beat of each burst and on no other
//   6  an answer to a write comes behind its last beat
//
// Bursts of one direction are in order (there is one ID), so the oldest one explains every beat. Nothing is shared with
// the design, not even its queue, so that one fault cannot hide itself.
`default_nettype none

module axi_monitor #(
  parameter PORT_BITS   = 128,
  parameter OUTSTANDING = 4,
  parameter BURST_BEATS = 256
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  input  logic                   stopped_i,
  input  logic                   draining_i,
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
  output logic [7:0]             broken_o
);
  localparam LOW        = $clog2(PORT_BITS / 8);
  localparam COUNT_BITS = $clog2(OUTSTANDING + 1) + 1;  // one more than fits is counted, too

  // What was offered in the cycle before and not taken.
  logic                           ar_held_q, aw_held_q, w_held_q;
  logic [76:0]                    ar_q, aw_q;
  logic [PORT_BITS+PORT_BITS/8:0] w_q;

  always_ff @(posedge clk_i) begin
    ar_held_q <= rst_ni && arvalid_i && !arready_i;
    aw_held_q <= rst_ni && awvalid_i && !awready_i;
    w_held_q  <= rst_ni && wvalid_i && !wready_i;
    ar_q      <= {araddr_i, arlen_i, arsize_i, arburst_i};
    aw_q      <= {awaddr_i, awlen_i, awsize_i, awburst_i};
    w_q       <= {wdata_i, wstrb_i, wlast_i};
  end

  // Bursts in flight; of the writes also those whose beats have not all gone. Lengths are of these, the oldest lowest.
  logic                     ar_taken, aw_taken, read_end, data_end, b_taken;
  logic [COUNT_BITS-1:0]    reads_q, writes_q, unsent_q;
  logic [8*OUTSTANDING-1:0] read_lengths_q, write_lengths_q;
  logic [7:0]               read_beat_q, write_beat_q;

  assign ar_taken = arvalid_i && arready_i;
  assign aw_taken = awvalid_i && awready_i;
  assign read_end = rvalid_i && rready_i && rlast_i;
  assign data_end = wvalid_i && wready_i && wlast_i;
  assign b_taken  = bvalid_i && bready_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      reads_q      <= '0;
      writes_q     <= '0;
      unsent_q     <= '0;
      read_beat_q  <= '0;
      write_beat_q <= '0;
    end else begin
      reads_q  <= reads_q + COUNT_BITS'(ar_taken) - COUNT_BITS'(read_end);
      writes_q <= writes_q + COUNT_BITS'(aw_taken) - COUNT_BITS'(b_taken);
      unsent_q <= unsent_q + COUNT_BITS'(aw_taken) - COUNT_BITS'(data_end);
      if (rvalid_i && rready_i) read_beat_q  <= rlast_i ? '0 : read_beat_q + 1'b1;
      if (wvalid_i && wready_i) write_beat_q <= wlast_i ? '0 : write_beat_q + 1'b1;
    end
    if (read_end) read_lengths_q  <= read_lengths_q >> 8;
    if (data_end) write_lengths_q <= write_lengths_q >> 8;
    for (int slot = 0; slot < OUTSTANDING; slot = slot + 1) begin
      if (ar_taken && 32'(reads_q) == slot + 32'(read_end))  read_lengths_q[8*slot +: 8]  <= arlen_i;
      if (aw_taken && 32'(unsent_q) == slot + 32'(data_end)) write_lengths_q[8*slot +: 8] <= awlen_i;
    end
  end

  // The last byte of a burst is in the page of the first.
  logic [20:0] ar_end, aw_end;
  logic        ar_legal, aw_legal;

  assign ar_end   = 21'(araddr_i[11:0]) + ((21'(arlen_i) + 21'd1) << LOW);
  assign aw_end   = 21'(awaddr_i[11:0]) + ((21'(awlen_i) + 21'd1) << LOW);
  assign ar_legal = arburst_i == 2'b01 && arsize_i == 3'(LOW) && araddr_i[LOW-1:0] == '0
                 && 32'(arlen_i) < BURST_BEATS && ar_end <= 21'd4096;
  assign aw_legal = awburst_i == 2'b01 && awsize_i == 3'(LOW) && awaddr_i[LOW-1:0] == '0
                 && 32'(awlen_i) < BURST_BEATS && aw_end <= 21'd4096;

  always_comb begin
    broken_o = '0;
    if (rst_ni) begin
      broken_o[0] = (ar_held_q && (!arvalid_i || ar_q != {araddr_i, arlen_i, arsize_i, arburst_i}))
                 || (aw_held_q && (!awvalid_i || aw_q != {awaddr_i, awlen_i, awsize_i, awburst_i}));
      broken_o[1] = (arvalid_i && !ar_legal) || (awvalid_i && !aw_legal);
      broken_o[2] = 32'(reads_q) + 32'(writes_q) + 32'(arvalid_i) + 32'(awvalid_i) > OUTSTANDING;
      broken_o[3] = w_held_q && (!wvalid_i || w_q != {wdata_i, wstrb_i, wlast_i});
      broken_o[4] = wvalid_i && (unsent_q == '0 || wlast_i != (write_beat_q == write_lengths_q[7:0]));
      broken_o[5] = rvalid_i && (reads_q == '0 || rlast_i != (read_beat_q == read_lengths_q[7:0]));
      broken_o[6] = bvalid_i && writes_q == unsent_q;
      broken_o[7] = stopped_i && ((arvalid_i && !ar_held_q) || (awvalid_i && !aw_held_q)
                                  || (wvalid_i && !w_held_q && wstrb_i != '0)
                                  || (!draining_i && (arvalid_i || awvalid_i || reads_q != '0 || writes_q != '0)));
    end
  end
endmodule

`default_nettype wire
