// Proof by induction: a memory port keeps the rules of AXI, before, in and behind a stop, and nothing outside a window
// goes out.
//
// Not part of the design. Four users offer any legal bursts to a real `memory_port`, and hold what they offer; a stop may
// come in any cycle, as `control` makes it; the slave does anything that its rules allow. The port is reset when it is
// quiet, and after a while it may go on. Parameters are small: 32 bits, bursts of 4 beats, 2 in flight.
//
// Assertions are combinational, so a breach shows in its own cycle. What the induction needs to know about the inside is
// asserted, too. That draining ends if the slave answers follows from two of them: what is owed to the slave is shown to
// it, and the port is quiet as soon as nothing is owed.
`default_nettype none

module port_proof (
  input logic         clk_i,
  input logic [3:0]   burst_valid_i,
  input logic [3:0]   burst_write_i,
  input logic [127:0] burst_address_i,
  input logic [35:0]  burst_beats_i,
  input logic [1:0]   write_valid_i,
  input logic [63:0]  write_data_i,
  input logic [7:0]   write_strobe_i,
  input logic         cause_i,      // the run is stopped
  input logic         restart_i,
  // The slave.
  input logic         arready_i,
  input logic         awready_i,
  input logic         wready_i,
  input logic         rvalid_i,
  input logic         rlast_i,
  input logic [1:0]   rresp_i,
  input logic         bvalid_i,
  input logic [1:0]   bresp_i
);
  localparam BURST_BEATS = 4;
  localparam OUTSTANDING = 2;
  localparam PAGE_BEATS  = 1024;

  // The first cycle is a reset.
  logic rst_n = 1'b0;
  always_ff @(posedge clk_i) rst_n <= 1'b1;

  // ---------------------------------------------------------------------------------------------------------- Design
  logic        draining_q, drained_q, stop, quiet, error;
  logic [1:0]  error_kind;
  logic [3:0]  grant, outside;
  logic [1:0]  write_pop;
  logic        arvalid, awvalid, wvalid, wlast;
  logic [31:0] axi_address, wdata;
  logic [7:0]  length, broken;
  logic [3:0]  wstrb;

  // As `control` does it: `stop` in the cycle before, a reset from the cycle after the one in which the port is quiet.
  assign stop = draining_q || (cause_i && !drained_q);

  always_ff @(posedge clk_i) begin
    draining_q <= rst_n && (draining_q ? !quiet : cause_i && !drained_q);
    drained_q  <= rst_n && ((draining_q && quiet) || (drained_q && !restart_i));
  end

  // What is outside has an address that says so.
  always_comb for (int user = 0; user < 4; user = user + 1) outside[user] = burst_address_i[32*user + 31];

  memory_port #(.PORT_BITS(32), .OUTSTANDING(OUTSTANDING)) u_port (
    .clk_i, .rst_ni(rst_n && !drained_q),
    .burst_valid_i, .burst_write_i, .burst_gather_i(4'd0), .burst_outside_i(outside), .burst_address_i, .burst_beats_i,
    .burst_grant_o(grant), .read_valid_o(),
    .write_valid_i, .write_data_i, .write_strobe_i, .write_pop_o(write_pop), .write_done_o(),
    .stop_i(stop), .quiet_o(quiet),
    .error_o(error), .error_kind_o(error_kind), .error_user_o(), .error_response_o(),
    .arvalid_o(arvalid), .arready_i, .awvalid_o(awvalid), .awready_i,
    .address_o(axi_address), .length_o(length), .gather_o(),
    .rvalid_i, .rlast_i, .rresp_i,
    .wvalid_o(wvalid), .wready_i, .wdata_o(wdata), .wstrb_o(wstrb), .wlast_o(wlast),
    .bvalid_i, .bresp_i
  );

  axi_monitor #(.PORT_BITS(32), .OUTSTANDING(OUTSTANDING), .BURST_BEATS(BURST_BEATS)) u_monitor (
    .clk_i, .rst_ni(rst_n), .stopped_i(draining_q || drained_q), .draining_i(draining_q),
    .araddr_i({32'd0, axi_address}), .arlen_i(length), .arsize_i(3'd2), .arburst_i(2'b01),
    .arvalid_i(arvalid), .arready_i, .rlast_i, .rvalid_i, .rready_i(1'b1),
    .awaddr_i({32'd0, axi_address}), .awlen_i(length), .awsize_i(3'd2), .awburst_i(2'b01),
    .awvalid_i(awvalid), .awready_i, .wdata_i(wdata), .wstrb_i(wstrb), .wlast_i(wlast), .wvalid_i(wvalid), .wready_i,
    .bvalid_i, .bready_i(1'b1),
    .broken_o(broken)
  );

  // ----------------------------------------------------------------------------------------------------- Surroundings
  // What was offered in the cycle before and not taken.
  logic [3:0]   waits_q, write_q;
  logic [127:0] address_q;
  logic [35:0]  beats_q;
  logic [1:0]   data_waits_q;
  logic [63:0]  data_q;
  logic [7:0]   strobe_q;

  always_ff @(posedge clk_i) begin
    waits_q      <= rst_n && !drained_q ? burst_valid_i & ~grant : '0;
    data_waits_q <= rst_n && !drained_q ? write_valid_i & ~write_pop : '0;
    write_q      <= burst_write_i;
    address_q    <= burst_address_i;
    beats_q      <= burst_beats_i;
    data_q       <= write_data_i;
    strobe_q     <= write_strobe_i;
  end

  always_comb begin
    if (rst_n) begin
      assume (broken[6:5] == '0);
      assume (!drained_q || burst_valid_i == '0);
      for (int writer = 0; writer < 2; writer = writer + 1) begin
        assume (!data_waits_q[writer] || (
                write_valid_i[writer] && data_q[32*writer +: 32] == write_data_i[32*writer +: 32]
                && strobe_q[4*writer +: 4] == write_strobe_i[4*writer +: 4]));
      end
      for (int user = 0; user < 4; user = user + 1) begin
        assume (!burst_valid_i[user] || (
                burst_address_i[32*user +: 2] == '0 && burst_beats_i[9*user +: 9] != '0
                && 32'(burst_beats_i[9*user +: 9]) <= BURST_BEATS
                && 32'(burst_address_i[32*user + 2 +: 10]) + 32'(burst_beats_i[9*user +: 9]) <= PAGE_BEATS));
        assume (!waits_q[user] || (
                burst_valid_i[user] && burst_write_i[user] == write_q[user]
                && burst_address_i[32*user +: 32] == address_q[32*user +: 32]
                && burst_beats_i[9*user +: 9] == beats_q[9*user +: 9]));
      end
    end
  end

  // ------------------------------------------------------------------------------------------- What is to be proven
  (* hierconn *) wire [2:0]  \u_monitor.reads_q ;
  (* hierconn *) wire [2:0]  \u_monitor.writes_q ;
  (* hierconn *) wire [2:0]  \u_monitor.unsent_q ;

  logic failed_q, refused_q;
  always_ff @(posedge clk_i) begin
    failed_q  <= rst_n && !drained_q && ((rvalid_i && rresp_i != '0) || (bvalid_i && bresp_i != '0));
    refused_q <= rst_n && !drained_q && (burst_valid_i & ~outside) == '0 && burst_valid_i != '0 && !stop
              && \u_monitor.reads_q == '0 && \u_monitor.writes_q == '0;
  end

  always_comb begin
    if (rst_n) begin
      // Bit 7: after a stop nothing new is shown, what is owed goes without strobes, and nothing is left behind it.
      assert (broken[4:0] == '0 && !broken[7]);
      assert ((grant & (grant - 4'd1)) == '0 && (grant & ~burst_valid_i) == '0);
      assert (!(arvalid || awvalid) || !axi_address[31]);
      // What is owed to the slave is shown to it; as soon as nothing is owed the port is quiet.
      assert (!draining_q || wvalid || \u_monitor.unsent_q == '0);
      assert (!draining_q
              || quiet == (!arvalid && !awvalid && \u_monitor.reads_q == '0 && \u_monitor.writes_q == '0));
      // Errors are said, also that only bursts are offered which may not go out.
      assert (!failed_q || (error && !error_kind[1]));
      assert (!refused_q || error);
    end
  end

  // ------------------------------------------------------------------------------- What the induction has to know
  // Inside, by the names that they have when all is one module.
  (* hierconn *) wire [1:0]  \u_port.in_flight_q ;
  (* hierconn *) wire        \u_port.slot_free_q ;
  (* hierconn *) wire        \u_port.blocked_q ;
  (* hierconn *) wire        \u_port.masked_q ;
  (* hierconn *) wire [7:0]  \u_port.beat_q ;
  (* hierconn *) wire [3:0]  \u_port.preferred_q ;
  (* hierconn *) wire        \u_monitor.ar_held_q ;
  (* hierconn *) wire        \u_monitor.aw_held_q ;
  (* hierconn *) wire        \u_monitor.w_held_q ;
  (* hierconn *) wire [1:0]  \u_port.u_reads.count_q ;
  (* hierconn *) wire        \u_port.u_reads.empty_q ;
  (* hierconn *) wire        \u_port.u_reads.one_q ;
  (* hierconn *) wire [1:0]  \u_port.u_writes.count_q ;
  (* hierconn *) wire        \u_port.u_writes.empty_q ;
  (* hierconn *) wire        \u_port.u_writes.one_q ;
  (* hierconn *) wire        \u_port.u_writes.g_memory.read_q ;
  (* hierconn *) wire        \u_port.u_writes.g_memory.write_q ;
  (* hierconn *) wire [8:0]  \u_port.u_writes.head_q ;
  (* hierconn *) wire [8:0]  \u_port.u_writes.g_memory.behind ;
  (* hierconn *) wire [1:0]  \u_port.u_answers.count_q ;
  (* hierconn *) wire        \u_port.u_answers.empty_q ;
  (* hierconn *) wire        \u_port.u_answers.one_q ;
  (* hierconn *) wire [15:0] \u_monitor.read_lengths_q ;
  (* hierconn *) wire [15:0] \u_monitor.write_lengths_q ;
  (* hierconn *) wire [7:0]  \u_monitor.read_beat_q ;
  (* hierconn *) wire [7:0]  \u_monitor.write_beat_q ;

  always_comb begin
    if (rst_n) begin
      assert (!draining_q || !drained_q);
      // What may still be shown in a stop is what AXI has seen.
      assert (draining_q || drained_q || !(\u_port.blocked_q || \u_port.masked_q ));
      assert (!draining_q || \u_port.blocked_q == !(\u_monitor.ar_held_q || \u_monitor.aw_held_q ));
      assert (!draining_q || \u_port.masked_q || (\u_monitor.w_held_q && data_waits_q[\u_port.u_writes.head_q [8]]));
      assert (!drained_q || !(\u_monitor.ar_held_q || \u_monitor.aw_held_q || \u_monitor.w_held_q ));
      assert (!drained_q || \u_port.in_flight_q == '0);
      // The port counts as the monitor does.
      assert (3'(\u_port.in_flight_q ) == \u_monitor.reads_q + \u_monitor.writes_q );
      assert (32'(\u_port.in_flight_q ) <= OUTSTANDING && \u_monitor.reads_q <= 3'd2 && \u_monitor.writes_q <= 3'd2);
      assert (\u_port.slot_free_q == (32'(\u_port.in_flight_q ) < OUTSTANDING));
      assert (3'(\u_port.u_reads.count_q ) == \u_monitor.reads_q );
      assert (3'(\u_port.u_writes.count_q ) == \u_monitor.unsent_q );
      assert (3'(\u_port.u_answers.count_q ) == \u_monitor.writes_q );
      assert (\u_monitor.unsent_q <= \u_monitor.writes_q );
      assert (\u_port.beat_q == \u_monitor.write_beat_q );
      assert (\u_port.beat_q == '0 || \u_monitor.unsent_q != '0);
      assert (\u_monitor.read_beat_q == '0 || \u_monitor.reads_q != '0);
      assert (\u_monitor.reads_q == '0 || \u_monitor.read_beat_q <= \u_monitor.read_lengths_q [7:0]);
      assert (\u_monitor.unsent_q == '0 || (
              \u_port.u_writes.head_q [7:0] == \u_monitor.write_lengths_q [7:0]
              && \u_port.beat_q <= \u_monitor.write_lengths_q [7:0]));
      assert (\u_monitor.unsent_q != 3'd2
              || \u_port.u_writes.g_memory.behind [7:0] == \u_monitor.write_lengths_q [15:8]);
      // A choice that AXI has seen is of one user, who still offers.
      assert (!(\u_monitor.ar_held_q || \u_monitor.aw_held_q ) || (
              \u_port.preferred_q != '0 && (\u_port.preferred_q & (\u_port.preferred_q - 4'd1)) == '0
              && (\u_port.preferred_q & ~burst_valid_i) == '0));
      // Queues.
      assert (\u_port.u_reads.empty_q == (\u_port.u_reads.count_q == '0));
      assert (\u_port.u_writes.empty_q == (\u_port.u_writes.count_q == '0));
      assert (\u_port.u_answers.empty_q == (\u_port.u_answers.count_q == '0));
      assert (\u_port.u_reads.one_q == (\u_port.u_reads.count_q == 2'd1));
      assert (\u_port.u_writes.one_q == (\u_port.u_writes.count_q == 2'd1));
      assert (\u_port.u_answers.one_q == (\u_port.u_answers.count_q == 2'd1));
      assert (\u_port.u_writes.g_memory.read_q == (\u_port.u_writes.g_memory.write_q ^ !\u_port.u_writes.count_q [0]));
    end
  end

  // --------------------------------------------------------------------------------------- The proof is about something
  logic aw_waits_q, w_waits_q, restarted_q;
  always_ff @(posedge clk_i) begin
    aw_waits_q  <= rst_n && draining_q && awvalid && !awready_i;
    w_waits_q   <= rst_n && draining_q && wvalid && !wready_i && wstrb != '0;
    restarted_q <= rst_n && (restarted_q || (drained_q && restart_i));
  end

  always_comb begin
    if (rst_n) begin
      cover (aw_waits_q && awready_i && \u_monitor.writes_q == 3'd1);
      cover (w_waits_q && wready_i && !wlast && \u_monitor.reads_q == 3'd1);
      cover (draining_q && wvalid && wlast && wstrb == '0 && length == 8'd3);
      cover (draining_q && failed_q && quiet);
      cover (refused_q && (burst_write_i & burst_valid_i) != '0);
      cover (restarted_q && awvalid && awready_i);
    end
  end
endmodule

`default_nettype wire
