// Proof by induction: the control slave keeps the rules of AXI4-Lite with any master that keeps its own.
//
// Not part of the design. Assertions are combinational, so a breach shows in its own cycle. What the induction needs to
// know about the inside of `control` is asserted, too.
`default_nettype none

module control_proof (
  input logic        clk_i,
  input logic [11:0] awaddr_i,
  input logic        awvalid_i,
  input logic [31:0] wdata_i,
  input logic [3:0]  wstrb_i,
  input logic        wvalid_i,
  input logic        bready_i,
  input logic [11:0] araddr_i,
  input logic        arvalid_i,
  input logic        rready_i,
  input logic        halted_i,
  input logic        memory_error_i,
  input logic [3:0]  memory_error_code_i,
  input logic [2:0]  memory_error_unit_i,
  input logic [5:0]  memory_error_port_i,
  input logic [1:0]  memory_error_response_i,
  input logic [31:0] memory_error_address_i,
  input logic        quiet_i,
  input logic        illegal_i,
  input logic [31:0] illegal_address_i,
  input logic        emit_i,
  input logic [31:0] emit_token_i,
  input logic [63:0] counter_data_i
);
  // The first cycle is a reset.
  logic rst_n = 1'b0;
  always_ff @(posedge clk_i) rst_n <= 1'b1;

  logic        awready, wready, bvalid, arready, rvalid;
  logic [1:0]  bresp, rresp;
  logic [31:0] rdata;
  logic [6:0]  broken;

  control u_control (
    .clk_i, .rst_ni(rst_n),
    .awaddr_i, .awvalid_i, .awready_o(awready), .wdata_i, .wstrb_i, .wvalid_i, .wready_o(wready),
    .bresp_o(bresp), .bvalid_o(bvalid), .bready_i,
    .araddr_i, .arvalid_i, .arready_o(arready), .rdata_o(rdata), .rresp_o(rresp), .rvalid_o(rvalid), .rready_i,
    .interrupt_o(), .core_rst_no(), .memory_address_o(), .code_address_o(),
    .memory_last_o(), .write_first_o(), .write_last_o(), .stop_o(), .stopped_o(), .draining_o(),
    .memory_error_i, .memory_error_code_i, .memory_error_unit_i, .memory_error_port_i, .memory_error_response_i,
    .memory_error_address_i, .error_port_o(), .quiet_i, .illegal_i, .illegal_address_i,
    .halted_i, .emit_i, .emit_token_i, .counter_clear_o(), .counter_clear_class_o(),
    .counter_read_o(), .counter_unit_o(), .counter_class_o(), .counter_data_i
  );

  axi_lite_monitor #(.ADDRESS_BITS(12)) u_monitor (
    .clk_i, .rst_ni(rst_n),
    .awaddr_i, .awvalid_i, .awready_i(awready), .wdata_i, .wstrb_i, .wvalid_i, .wready_i(wready),
    .bresp_i(bresp), .bvalid_i(bvalid), .bready_i,
    .araddr_i, .arvalid_i, .arready_i(arready), .rdata_i(rdata), .rresp_i(rresp), .rvalid_i(rvalid), .rready_i,
    .broken_o(broken)
  );

  // Inside, by the names that they have when all is one module.
  (* hierconn *) wire       \u_control.have_address_q ;
  (* hierconn *) wire       \u_control.have_data_q ;
  (* hierconn *) wire [1:0] \u_control.read_state_q ;
  (* hierconn *) wire [2:0] \u_control.asked_q ;
  (* hierconn *) wire [2:0] \u_monitor.addresses_q ;
  (* hierconn *) wire [2:0] \u_monitor.data_q ;
  (* hierconn *) wire [2:0] \u_monitor.reads_q ;

  // Cycles that a read, and a write of which all is there, have waited for the slave.
  logic [2:0] read_age_q, write_age_q;
  logic       read_waits, write_waits;

  assign read_waits  = \u_monitor.reads_q != 3'd0 && !rvalid;
  assign write_waits = \u_monitor.addresses_q != 3'd0 && \u_monitor.data_q != 3'd0 && !bvalid;

  always_ff @(posedge clk_i) begin
    read_age_q  <= rst_n && read_waits ? read_age_q + 3'd1 : 3'd0;
    write_age_q <= rst_n && write_waits ? write_age_q + 3'd1 : 3'd0;
  end

  always_comb begin
    if (rst_n) begin
      assume (broken[6:4] == '0);
      assert (broken[3:0] == '0);

      // It answers: a read in its fifth cycle, a write in its second.
      assert (read_age_q < 3'd4 || !read_waits);
      assert (write_age_q < 3'd1 || !write_waits);

      assert (\u_monitor.addresses_q == 3'(\u_control.have_address_q ) + 3'(bvalid));
      assert (\u_monitor.data_q == 3'(\u_control.have_data_q ) + 3'(bvalid));
      assert (\u_monitor.reads_q == 3'(\u_control.read_state_q != 2'd0));
      // A read is in its first state for three cycles, then in its second.
      assert (!read_waits || \u_control.read_state_q == (read_age_q == 3'd3 ? 2'd2 : 2'd1));
      assert (\u_control.asked_q == (read_waits && read_age_q < 3'd3 ? 3'd1 << read_age_q : 3'd0));
    end
  end

  // The proof is about something: an answer is held against a master that waits, and a second write waits behind it.
  logic b_waited_q, r_waited_q;
  always_ff @(posedge clk_i) begin
    b_waited_q <= rst_n && bvalid && !bready_i && !awready && !wready;
    r_waited_q <= rst_n && rvalid && !rready_i;
  end

  always_comb begin
    if (rst_n) begin
      cover (b_waited_q && bvalid && bready_i);
      cover (r_waited_q && rvalid && rready_i && rdata != '0);
      cover (bvalid && rvalid);
    end
  end
endmodule

`default_nettype wire
