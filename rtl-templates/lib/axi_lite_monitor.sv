// Watches one AXI4-Lite port of a slave and its master, and says which rule is broken. It drives nothing.
//
//   ADDRESS_BITS   bits of an address
//
// broken_o has one bit per rule, high in the cycle of the breach; what it says behind a breach means nothing. Rules of
// the slave:
//   0  an answer is held, unchanged, until it is taken
//   1  an answer to a write comes behind its address and its data, and says OKAY
//   2  an answer to a read comes behind its address, and says OKAY
//   3  the slave takes one read at a time, and of writes only one beyond that which it answers
// and of the master:
//   4  a write address is held, unchanged, until it is taken
//   5  write data is held, unchanged, until it is taken
//   6  a read address is held, unchanged, until it is taken
`default_nettype none

module axi_lite_monitor #(
  parameter ADDRESS_BITS = 12
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,
  input  logic [ADDRESS_BITS-1:0] awaddr_i,
  input  logic                    awvalid_i,
  input  logic                    awready_i,
  input  logic [31:0]             wdata_i,
  input  logic [3:0]              wstrb_i,
  input  logic                    wvalid_i,
  input  logic                    wready_i,
  input  logic [1:0]              bresp_i,
  input  logic                    bvalid_i,
  input  logic                    bready_i,
  input  logic [ADDRESS_BITS-1:0] araddr_i,
  input  logic                    arvalid_i,
  input  logic                    arready_i,
  input  logic [31:0]             rdata_i,
  input  logic [1:0]              rresp_i,
  input  logic                    rvalid_i,
  input  logic                    rready_i,
  output logic [6:0]              broken_o
);
  // What was offered in the cycle before and not taken.
  logic                    aw_held_q, w_held_q, b_held_q, ar_held_q, r_held_q;
  logic [ADDRESS_BITS-1:0] awaddr_q, araddr_q;
  logic [35:0]             w_q;
  logic [1:0]              bresp_q;
  logic [33:0]             r_q;

  always_ff @(posedge clk_i) begin
    aw_held_q <= rst_ni && awvalid_i && !awready_i;
    w_held_q  <= rst_ni && wvalid_i && !wready_i;
    b_held_q  <= rst_ni && bvalid_i && !bready_i;
    ar_held_q <= rst_ni && arvalid_i && !arready_i;
    r_held_q  <= rst_ni && rvalid_i && !rready_i;
    awaddr_q  <= awaddr_i;
    araddr_q  <= araddr_i;
    w_q       <= {wdata_i, wstrb_i};
    bresp_q   <= bresp_i;
    r_q       <= {rdata_i, rresp_i};
  end

  // Addresses, and data of writes, that were taken and not answered.
  logic [2:0] addresses_q, data_q, reads_q;
  logic       aw_taken, w_taken, b_taken, ar_taken, r_taken;

  assign aw_taken = awvalid_i && awready_i;
  assign w_taken  = wvalid_i && wready_i;
  assign b_taken  = bvalid_i && bready_i;
  assign ar_taken = arvalid_i && arready_i;
  assign r_taken  = rvalid_i && rready_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      addresses_q <= '0;
      data_q      <= '0;
      reads_q     <= '0;
    end else begin
      addresses_q <= addresses_q + 3'(aw_taken) - 3'(b_taken);
      data_q      <= data_q + 3'(w_taken) - 3'(b_taken);
      reads_q     <= reads_q + 3'(ar_taken) - 3'(r_taken);
    end
  end

  always_comb begin
    broken_o = '0;
    if (rst_ni) begin
      broken_o[0] = (b_held_q && (!bvalid_i || bresp_i != bresp_q)) || (r_held_q && (!rvalid_i || {rdata_i, rresp_i} != r_q));
      broken_o[1] = bvalid_i && (addresses_q == '0 || data_q == '0 || bresp_i != 2'b00);
      broken_o[2] = rvalid_i && (reads_q == '0 || rresp_i != 2'b00);
      broken_o[3] = (ar_taken && reads_q != '0)
                 || (aw_taken && addresses_q != {2'd0, bvalid_i}) || (w_taken && data_q != {2'd0, bvalid_i});
      broken_o[4] = aw_held_q && (!awvalid_i || awaddr_i != awaddr_q);
      broken_o[5] = w_held_q && (!wvalid_i || {wdata_i, wstrb_i} != w_q);
      broken_o[6] = ar_held_q && (!arvalid_i || araddr_i != araddr_q);
    end
  end
endmodule

`default_nettype wire
