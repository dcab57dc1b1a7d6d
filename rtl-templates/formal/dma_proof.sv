// Proof by induction: dma's side of an AXI4 port keeps the rules of AXI, whoever else uses the port.
//
// Not part of the design. A real `transfer` (what moves the data of dma and of the KV store, with its burst_walker) is
// user 1 of a real `memory_port`; users 0, 2 and 3 offer any legal bursts, and the slave does anything that its rules
// allow. Parameters are small: one port of 32 bits, bursts of 4 beats, 2 in flight, rows of 31 bytes, 3 rows.
//
// Assertions are combinational, so a breach shows in its own cycle. The second half says what the induction needs to
// know about the inside; that its counts of beats agree is a proof in itself: no beat is lost or made up.
`default_nettype none

module dma_proof (
  input logic         clk_i,
  // A transfer.
  input logic         start_i,
  input logic         write_i,
  input logic [31:0]  remote_i,
  input logic [31:0]  stride_i,
  input logic [4:0]   row_bytes_i,
  input logic [1:0]   rows_i,
  input logic         fetched_valid_i,
  input logic [31:0]  fetched_data_i,
  input logic [3:0]   fetched_strobe_i,
  // The other users; bits of user 1 are not used.
  input logic [3:0]   burst_valid_i,
  input logic [3:0]   burst_write_i,
  input logic [127:0] burst_address_i,
  input logic [35:0]  burst_beats_i,
  input logic         write_valid_i,
  input logic [31:0]  write_data_i,
  input logic [3:0]   write_strobe_i,
  // The slave.
  input logic         arready_i,
  input logic         awready_i,
  input logic         wready_i,
  input logic         rvalid_i,
  input logic         rlast_i,
  input logic [31:0]  rdata_i,
  input logic         bvalid_i
);
  localparam BURST_BEATS   = 4;
  localparam OUTSTANDING   = 2;
  localparam STORE_LATENCY = 5;
  localparam FETCH_LATENCY = 2;
  localparam QUEUE_DEPTH   = FETCH_LATENCY + 11;  // as in `transfer`
  localparam PAGE_BEATS    = 1024;

  // The first cycle is a reset.
  logic rst_n = 1'b0;
  always_ff @(posedge clk_i) rst_n <= 1'b1;

  // ---------------------------------------------------------------------------------------------------------- Design
  logic         dma_valid, dma_write, dma_write_valid;
  logic [31:0]  dma_address, dma_write_data;
  logic [8:0]   dma_beats;
  logic [3:0]   dma_write_strobe;
  logic         first, done, running, fetch_valid;
  logic [3:0]   valid, grant, read_valid;
  logic [127:0] address;
  logic [35:0]  beats;
  logic [1:0]   write_pop, write_done;
  logic         arvalid, awvalid, wvalid, wlast;
  logic [31:0]  axi_address, wdata;
  logic [7:0]   length;
  logic [3:0]   wstrb;
  logic [7:0]   broken;

  transfer #(
    .PORTS(1), .PORT_BYTES(4), .BURST_BEATS(BURST_BEATS), .OUTSTANDING(OUTSTANDING), .FIRST_PORT(0),
    .STORE_LATENCY(STORE_LATENCY), .FETCH_LATENCY(FETCH_LATENCY), .POSITION_BITS(4), .ROW_BITS(5), .ROWS_BITS(2)
  ) u_dma (
    .clk_i, .rst_ni(rst_n),
    .start_i, .write_i, .remote_i, .stride_i, .row_bytes_i, .rows_i, .position_i(4'd0), .pitch_i(4'd0),
    .first_o(first), .done_o(done), .running_o(running), .streaming_o(), .moving_o(),
    .burst_valid_o(dma_valid), .burst_write_o(dma_write), .burst_address_o(dma_address), .burst_beats_o(dma_beats),
    .burst_grant_i(grant[1]), .read_valid_i(read_valid[1]), .read_data_i(rdata_i),
    .write_valid_o(dma_write_valid), .write_data_o(dma_write_data), .write_strobe_o(dma_write_strobe),
    .write_pop_i(write_pop[0]), .write_done_i(write_done[0]),
    .beat_valid_o(), .beat_data_o(), .fetch_valid_o(fetch_valid), .position_o(), .strobe_o(),
    .fetched_valid_i, .fetched_data_i, .fetched_strobe_i
  );

  assign valid   = {burst_valid_i[3:2], dma_valid, burst_valid_i[0]};
  assign address = {burst_address_i[127:64], dma_address, burst_address_i[31:0]};
  assign beats   = {burst_beats_i[35:18], dma_beats, burst_beats_i[8:0]};

  memory_port #(.PORT_BITS(32), .OUTSTANDING(OUTSTANDING)) u_port (
    .clk_i, .rst_ni(rst_n),
    .burst_valid_i(valid), .burst_write_i({burst_write_i[3], 1'b0, dma_write, 1'b0}), .burst_gather_i(4'd0),
    .burst_outside_i(4'd0), .stop_i(1'b0), .quiet_o(),
    .burst_address_i(address), .burst_beats_i(beats), .burst_grant_o(grant), .read_valid_o(read_valid),
    .write_valid_i({write_valid_i, dma_write_valid}), .write_data_i({write_data_i, dma_write_data}),
    .write_strobe_i({write_strobe_i, dma_write_strobe}), .write_pop_o(write_pop), .write_done_o(write_done),
    .error_o(), .error_kind_o(), .error_user_o(), .error_response_o(),
    .arvalid_o(arvalid), .arready_i, .awvalid_o(awvalid), .awready_i,
    .address_o(axi_address), .length_o(length), .gather_o(),
    .rvalid_i, .rlast_i, .rresp_i(2'b00),
    .wvalid_o(wvalid), .wready_i, .wdata_o(wdata), .wstrb_o(wstrb), .wlast_o(wlast),
    .bvalid_i, .bresp_i(2'b00)
  );

  axi_monitor #(.PORT_BITS(32), .OUTSTANDING(OUTSTANDING), .BURST_BEATS(BURST_BEATS)) u_monitor (
    .clk_i, .rst_ni(rst_n), .stopped_i(1'b0), .draining_i(1'b0),
    .araddr_i({32'd0, axi_address}), .arlen_i(length), .arsize_i(3'd2), .arburst_i(2'b01),
    .arvalid_i(arvalid), .arready_i, .rlast_i, .rvalid_i, .rready_i(1'b1),
    .awaddr_i({32'd0, axi_address}), .awlen_i(length), .awsize_i(3'd2), .awburst_i(2'b01),
    .awvalid_i(awvalid), .awready_i, .wdata_i(wdata), .wstrb_i(wstrb), .wlast_i(wlast), .wvalid_i(wvalid), .wready_i,
    .bvalid_i, .bready_i(1'b1),
    .broken_o(broken)
  );

  // ----------------------------------------------------------------------------------------------------- Surroundings
  // What was offered in the cycle before and not taken; fetches on their way.
  logic [3:0]   waits_q, write_q;
  logic [127:0] address_q;
  logic [35:0]  beats_q;
  logic         data_waits_q;
  logic [35:0]  data_q;
  logic [3:0]   fetches_q;

  always_ff @(posedge clk_i) begin
    waits_q      <= rst_n ? burst_valid_i & ~grant : '0;
    data_waits_q <= rst_n && write_valid_i && !write_pop[1];
    write_q      <= burst_write_i;
    address_q    <= burst_address_i;
    beats_q      <= burst_beats_i;
    data_q       <= {write_strobe_i, write_data_i};
    fetches_q    <= rst_n ? fetches_q + 4'(fetch_valid) - 4'(fetched_valid_i) : '0;
  end

  always_comb begin
    if (rst_n) begin
      // An instruction begins when the one before has finished.
      assume (!start_i || (!running && row_bytes_i != '0 && rows_i != '0));
      assume (!fetched_valid_i || fetches_q != '0);
      assume (!data_waits_q || (write_valid_i && data_q == {write_strobe_i, write_data_i}));
      assume (broken[6:5] == '0);
    end
    for (int user = 0; user < 4; user = user + 1) begin
      if (rst_n && user != 1) begin
        assume (!burst_valid_i[user] || (
                burst_address_i[32*user +: 2] == '0 && beats[9*user +: 9] != '0 && 32'(beats[9*user +: 9]) <= BURST_BEATS
                && 32'(burst_address_i[32*user + 2 +: 10]) + 32'(beats[9*user +: 9]) <= PAGE_BEATS));
        assume (!waits_q[user] || (
                burst_valid_i[user] && burst_write_i[user] == write_q[user]
                && burst_address_i[32*user +: 32] == address_q[32*user +: 32]
                && burst_beats_i[9*user +: 9] == beats_q[9*user +: 9]));
      end
    end
  end

  // ------------------------------------------------------------------------------------------- What is to be proven
  logic [7:0] dma_reads, dma_writes;   // beats of dma that are asked for: still to come, still to go
  logic [1:0] dma_answers;             // its writes without an answer

  always_comb begin
    if (rst_n) begin
      assert (broken[4:0] == '0);
      assert ((grant & (grant - 4'd1)) == '0 && (grant & ~valid) == '0);
      // Nothing of a finished transfer is left.
      assert (!done || (dma_reads == '0 && dma_writes == '0 && dma_answers == '0));
    end
  end

  // ------------------------------------------------------------------------------- What the induction has to know
  // Inside, by the names that they have when all is one module.
  (* hierconn *) wire [1:0]  \u_port.in_flight_q ;
  (* hierconn *) wire        \u_port.slot_free_q ;
  (* hierconn *) wire [7:0]  \u_port.beat_q ;
  (* hierconn *) wire [3:0]  \u_port.preferred_q ;
  (* hierconn *) wire        \u_monitor.ar_held_q ;
  (* hierconn *) wire        \u_monitor.aw_held_q ;
  (* hierconn *) wire [1:0]  \u_port.u_reads.count_q ;
  (* hierconn *) wire        \u_port.u_reads.empty_q ;
  (* hierconn *) wire        \u_port.u_reads.one_q ;
  (* hierconn *) wire        \u_port.u_reads.g_memory.read_q ;
  (* hierconn *) wire        \u_port.u_reads.g_memory.write_q ;
  (* hierconn *) wire [3:0]  \u_port.u_reads.head_q ;
  (* hierconn *) wire [3:0]  \u_port.u_reads.g_memory.behind ;
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
  (* hierconn *) wire        \u_port.u_answers.g_memory.read_q ;
  (* hierconn *) wire        \u_port.u_answers.g_memory.write_q ;
  (* hierconn *) wire        \u_port.u_answers.head_q ;
  (* hierconn *) wire        \u_port.u_answers.g_memory.behind ;
  (* hierconn *) wire [2:0]  \u_monitor.reads_q ;
  (* hierconn *) wire [2:0]  \u_monitor.writes_q ;
  (* hierconn *) wire [2:0]  \u_monitor.unsent_q ;
  (* hierconn *) wire [15:0] \u_monitor.read_lengths_q ;
  (* hierconn *) wire [15:0] \u_monitor.write_lengths_q ;
  (* hierconn *) wire [7:0]  \u_monitor.read_beat_q ;
  (* hierconn *) wire [7:0]  \u_monitor.write_beat_q ;
  (* hierconn *) wire        \u_dma.write_q ;
  (* hierconn *) wire        \u_dma.port_q ;
  (* hierconn *) wire        \u_dma.open_q ;
  (* hierconn *) wire        \u_dma.all_issued_q ;
  (* hierconn *) wire        \u_dma.beat_valid_q ;
  (* hierconn *) wire [2:0]  \u_dma.last_read_q ;
  (* hierconn *) wire        \u_dma.written_q ;
  (* hierconn *) wire [1:0]  \u_dma.in_flight_q ;
  (* hierconn *) wire [3:0]  \u_dma.room_q ;
  (* hierconn *) wire [3:0]  \u_dma.u_queue.count_q ;
  (* hierconn *) wire        \u_dma.u_queue.empty_q ;
  (* hierconn *) wire        \u_dma.u_queue.one_q ;
  (* hierconn *) wire        \u_dma.placed_q ;
  (* hierconn *) wire        \u_dma.launched_q ;
  (* hierconn *) wire [4:0]  \u_dma.row_bytes_q ;
  (* hierconn *) wire [3:0]  \u_dma.row_beats_q ;
  (* hierconn *) wire [1:0]  \u_dma.rows_q ;
  (* hierconn *) wire        \u_dma.u_walker.prepare_q ;
  (* hierconn *) wire        \u_dma.u_walker.valid_q ;
  (* hierconn *) wire        \u_dma.u_walker.ends_row_q ;
  (* hierconn *) wire        \u_dma.u_walker.last_row_q ;
  (* hierconn *) wire [29:0] \u_dma.u_walker.address_q ;
  (* hierconn *) wire [29:0] \u_dma.u_walker.next_row_q ;
  (* hierconn *) wire [9:0]  \u_dma.u_walker.row_rest_q ;
  (* hierconn *) wire [3:0]  \u_dma.u_walker.left_q ;
  (* hierconn *) wire [3:0]  \u_dma.u_walker.row_beats_q ;
  (* hierconn *) wire [1:0]  \u_dma.u_walker.rows_q ;
  (* hierconn *) wire [10:0] \u_dma.u_walker.limit_q ;
  (* hierconn *) wire [10:0] \u_dma.u_walker.ahead_q ;
  (* hierconn *) wire [11:0] \u_dma.u_walker.reach_q ;
  (* hierconn *) wire        \u_dma.u_cursor.valid_q ;
  (* hierconn *) wire        \u_dma.u_cursor.last_row_q ;
  (* hierconn *) wire [4:0]  \u_dma.u_cursor.left_q ;
  (* hierconn *) wire [4:0]  \u_dma.u_cursor.row_bytes_q ;
  (* hierconn *) wire [1:0]  \u_dma.u_cursor.rows_q ;

  // Beats of dma's transfer that are not asked for, and those that have no place in its buffer yet.
  logic [7:0] row_beats, unasked, unplaced;
  logic       before_walker;                       // the walker has no burst yet
  logic [2:0] beginnings;                          // steps of the start that are busy; never two

  function [7:0] times(input [1:0] rows, input [7:0] of_row);
    times = (rows[1] ? of_row << 1 : 8'd0) + (rows[0] ? of_row : 8'd0);
  endfunction

  assign row_beats     = (8'(\u_dma.row_bytes_q ) + 8'd3) >> 2;
  assign before_walker = \u_dma.placed_q || \u_dma.launched_q || \u_dma.u_walker.prepare_q ;
  assign beginnings    = 3'(\u_dma.placed_q ) + 3'(\u_dma.launched_q ) + 3'(\u_dma.u_walker.prepare_q )
                       + 3'(\u_dma.u_walker.valid_q );

  always_comb begin
    unasked  = '0;
    unplaced = '0;
    if (before_walker)              unasked = times(\u_dma.rows_q , row_beats);
    else if (\u_dma.u_walker.valid_q ) unasked = 8'(\u_dma.u_walker.left_q ) + times(\u_dma.u_walker.rows_q , row_beats);
    if (\u_dma.placed_q ) unplaced = times(\u_dma.rows_q , row_beats);
    else if (\u_dma.u_cursor.valid_q ) begin
      unplaced = ((8'(\u_dma.u_cursor.left_q ) + 8'd3) >> 2) + times(\u_dma.u_cursor.rows_q - 2'd1, row_beats);
    end
  end

  // Beats from the present burst to the end of its page.
  logic [11:0] page_left;
  assign page_left = 12'(PAGE_BEATS) - 12'(\u_dma.u_walker.address_q [9:0]);

  // Those under way, from the queues of the port and the lengths that the monitor has seen.
  always_comb begin
    dma_reads   = '0;
    dma_writes  = '0;
    dma_answers = '0;
    if (\u_monitor.reads_q != '0 && \u_port.u_reads.head_q [1]) begin
      dma_reads = \u_monitor.read_lengths_q [7:0] + 8'd1 - \u_monitor.read_beat_q ;
    end
    if (\u_monitor.reads_q == 3'd2 && \u_port.u_reads.g_memory.behind [1]) begin
      dma_reads = dma_reads + \u_monitor.read_lengths_q [15:8] + 8'd1;
    end
    if (\u_monitor.unsent_q != '0 && !\u_port.u_writes.head_q [8]) begin
      dma_writes = \u_monitor.write_lengths_q [7:0] + 8'd1 - \u_monitor.write_beat_q ;
    end
    if (\u_monitor.unsent_q == 3'd2 && !\u_port.u_writes.g_memory.behind [8]) begin
      dma_writes = dma_writes + \u_monitor.write_lengths_q [15:8] + 8'd1;
    end
    if (\u_monitor.writes_q != '0 && !\u_port.u_answers.head_q )               dma_answers = 2'd1;
    if (\u_monitor.writes_q == 3'd2 && !\u_port.u_answers.g_memory.behind ) dma_answers = dma_answers + 2'd1;
  end

  always_comb begin
    if (rst_n) begin
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
      assert (\u_monitor.reads_q == '0 || 32'(\u_monitor.read_lengths_q [7:0]) < BURST_BEATS);
      assert (\u_monitor.reads_q != 3'd2 || 32'(\u_monitor.read_lengths_q [15:8]) < BURST_BEATS);
      assert (\u_monitor.unsent_q == '0 || (
              \u_port.u_writes.head_q [7:0] == \u_monitor.write_lengths_q [7:0] && \u_port.beat_q <= \u_monitor.write_lengths_q [7:0]
              && 32'(\u_monitor.write_lengths_q [7:0]) < BURST_BEATS));
      assert (\u_monitor.unsent_q != 3'd2 || (
              \u_port.u_writes.g_memory.behind [7:0] == \u_monitor.write_lengths_q [15:8]
              && 32'(\u_monitor.write_lengths_q [15:8]) < BURST_BEATS));
      // Writers wait for their answers in the order in which their beats go.
      assert (\u_monitor.unsent_q == '0 || (
              \u_port.u_writes.head_q [8] == (\u_monitor.unsent_q == \u_monitor.writes_q
                                              ? \u_port.u_answers.head_q : \u_port.u_answers.g_memory.behind )));
      assert (\u_monitor.unsent_q != 3'd2 || \u_port.u_writes.g_memory.behind [8] == \u_port.u_answers.g_memory.behind );

      // A choice that AXI has seen is of one user, who still offers.
      assert (!(\u_monitor.ar_held_q || \u_monitor.aw_held_q ) || (
              \u_port.preferred_q != '0 && (\u_port.preferred_q & (\u_port.preferred_q - 4'd1)) == '0
              && (\u_port.preferred_q & ~valid) == '0));

      // Queues.
      assert (\u_port.u_reads.empty_q == (\u_port.u_reads.count_q == '0));
      assert (\u_port.u_writes.empty_q == (\u_port.u_writes.count_q == '0));
      assert (\u_port.u_answers.empty_q == (\u_port.u_answers.count_q == '0));
      assert (\u_dma.u_queue.empty_q == (\u_dma.u_queue.count_q == '0));
      assert (\u_port.u_reads.one_q == (\u_port.u_reads.count_q == 2'd1));
      assert (\u_port.u_writes.one_q == (\u_port.u_writes.count_q == 2'd1));
      assert (\u_port.u_answers.one_q == (\u_port.u_answers.count_q == 2'd1));
      assert (\u_dma.u_queue.one_q == (\u_dma.u_queue.count_q == 4'd1));
      assert (\u_port.u_reads.g_memory.read_q == (\u_port.u_reads.g_memory.write_q ^ !\u_port.u_reads.count_q [0]));
      assert (\u_port.u_writes.g_memory.read_q == (\u_port.u_writes.g_memory.write_q ^ !\u_port.u_writes.count_q [0]));
      assert (\u_port.u_answers.g_memory.read_q == (\u_port.u_answers.g_memory.write_q ^ !\u_port.u_answers.count_q [0]));

      // Bursts are cut at pages.
      assert (\u_dma.port_q );
      if (before_walker || \u_dma.u_walker.valid_q || \u_dma.u_cursor.valid_q ) begin
        assert (\u_dma.rows_q != '0 && \u_dma.row_bytes_q != '0);
      end
      assert (!\u_dma.launched_q || 8'(\u_dma.row_beats_q ) == row_beats);
      if (\u_dma.u_walker.prepare_q || \u_dma.u_walker.valid_q ) begin
        assert (8'(\u_dma.u_walker.row_beats_q ) == row_beats);
        assert (\u_dma.u_walker.row_rest_q == -\u_dma.u_walker.next_row_q [9:0]);
      end
      assert (!\u_dma.u_walker.prepare_q || \u_dma.u_walker.rows_q == \u_dma.rows_q );
      if (\u_dma.u_walker.valid_q ) begin
        assert (\u_dma.u_walker.rows_q != 2'd3 && \u_dma.u_walker.last_row_q == (\u_dma.u_walker.rows_q == '0));
        assert (\u_dma.u_walker.left_q != '0 && \u_dma.u_walker.left_q <= \u_dma.u_walker.row_beats_q );
        assert (\u_dma.u_walker.ends_row_q == (12'(\u_dma.u_walker.left_q ) <= 12'(\u_dma.u_walker.limit_q )));
        if (page_left <= 12'(BURST_BEATS)) begin
          assert (12'(\u_dma.u_walker.limit_q ) == page_left && 12'(\u_dma.u_walker.ahead_q ) == 12'(PAGE_BEATS));
          assert (\u_dma.u_walker.reach_q == page_left + 12'(BURST_BEATS));
        end else begin
          assert (12'(\u_dma.u_walker.limit_q ) == 12'(BURST_BEATS));
          assert (12'(\u_dma.u_walker.ahead_q ) == page_left - 12'(BURST_BEATS));
          assert (\u_dma.u_walker.reach_q == (page_left > 12'(2 * BURST_BEATS) ? 12'(2 * BURST_BEATS) : page_left));
        end
      end
      if (\u_dma.u_cursor.valid_q ) begin
        assert (\u_dma.u_cursor.rows_q != '0);
        assert (\u_dma.u_cursor.last_row_q == (\u_dma.u_cursor.rows_q == 2'd1));
        assert (\u_dma.u_cursor.row_bytes_q == \u_dma.row_bytes_q );
        assert (\u_dma.u_cursor.left_q != '0 && \u_dma.u_cursor.left_q <= \u_dma.u_cursor.row_bytes_q );
      end

      // A transfer runs as long as something of it is under way.
      assert (beginnings <= 3'd1 && !(\u_dma.placed_q && \u_dma.u_cursor.valid_q ));
      assert (running || !(beginnings != '0 || \u_dma.u_cursor.valid_q ));
      assert (!running || !done);
      assert (\u_dma.in_flight_q == dma_answers);
      assert (32'(\u_dma.room_q ) + 32'(fetches_q) + 32'(\u_dma.u_queue.count_q ) == QUEUE_DEPTH);
      if (running && \u_dma.write_q ) begin
        assert (dma_reads == '0 && !\u_dma.beat_valid_q && \u_dma.last_read_q [1:0] == '0 && !\u_dma.written_q );
        assert (\u_dma.all_issued_q == (beginnings == '0));
        assert (!\u_dma.all_issued_q || \u_dma.open_q );
        assert (unplaced + 8'(fetches_q) + 8'(\u_dma.u_queue.count_q ) == unasked + dma_writes);
        assert (beginnings != '0 || dma_answers != '0);
      end else begin
        assert (dma_writes == '0 && dma_answers == '0 && fetches_q == '0 && \u_dma.u_queue.count_q == '0);
        assert (unplaced == unasked + dma_reads + 8'(\u_dma.beat_valid_q ));
        assert (!running || \u_dma.open_q );
        assert (3'(running) == 3'(\u_dma.placed_q ) + 3'(\u_dma.u_cursor.valid_q ) + 3'(\u_dma.last_read_q [0]) + 3'(\u_dma.last_read_q [1]));
      end
    end
  end

  // --------------------------------------------------------------------------------------- The proof is about something
  logic ar_waited_q, aw_waited_q, w_waited_q;
  always_ff @(posedge clk_i) begin
    ar_waited_q <= rst_n && arvalid && !arready_i && dma_valid;
    aw_waited_q <= rst_n && awvalid && !awready_i && dma_valid;
    w_waited_q  <= rst_n && wvalid && !wready_i;
  end

  always_comb begin
    if (rst_n) begin
      cover (ar_waited_q && grant[1]);
      cover (aw_waited_q && grant[1]);
      cover (w_waited_q && write_pop[0] && wlast && length == 8'd3);
      cover (grant[1] && dma_beats == 9'd2 && dma_address[11:0] == 12'd4088 && unasked > 8'd2);
      cover (\u_monitor.reads_q == 3'd1 && \u_monitor.writes_q == 3'd1);
      cover (dma_answers == 2'd2);
      cover (done && \u_dma.write_q );
      cover (done && !\u_dma.write_q && start_i);
    end
  end
endmodule

`default_nettype wire
