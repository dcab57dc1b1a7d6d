// One AXI4 master: issues the users' bursts in turn, gives read beats to whom they belong, and takes write beats in the
// order of issue.
//
//   PORT_BITS     bits of a beat
//   OUTSTANDING   most bursts in flight, reads and writes together
//
// Users: 0 front end, 1 dma, 2 weight buffer, 3 KV store; 1 and 3 also write. Of the users that offer a burst the next
// one after the one served last is chosen, round and round. A choice that AXI has seen is kept until it is taken. A slot
// comes free in the cycle after the burst's last read beat or its answer. Read data is never refused, and a writer always
// has its beat, so RREADY and BREADY are constants.
//
// A burst that is outside a window is never shown to AXI; the choice stays with it, and nobody comes behind it. Such a
// burst, and an answer that is not OKAY, is an error: said in the cycle after, the first of them that there is.
//
// From the cycle after `stop_i` on nothing new is shown. What AXI has seen stays until it is taken, so users hold what they
// offer; further beats that a write owes go without strobes. `quiet_o` says that nothing is shown and nothing in flight,
// which lasts. Then a reset breaks no rule.
//
//   cycle            e   e+1  e+2  e+3  e+4  e+5        two beats of a write are owed, one of them was shown
//   stop_i           _____‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾
//   wvalid_o         _____‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾__________
//   wstrb_o                s    s    0                  WREADY is high in e+2 and e+3
//   bvalid_i         ____________________‾‾‾‾‾_____
//   quiet_o          _________________________‾‾‾‾‾
//
//   cycle            0    1    2    3    4    5
//   burst_valid_i    ‾‾‾‾‾_________________________     a write of two beats
//   awvalid_o        ‾‾‾‾‾_________________________
//   burst_grant_o    ‾‾‾‾‾_________________________     AWREADY is high
//   write_pop_o      _____‾‾‾‾‾‾‾‾‾‾_______________
//   bvalid_i         ____________________‾‾‾‾‾_____
//   write_done_o     ____________________‾‾‾‾‾_____
`default_nettype none

module memory_port #(
  parameter PORT_BITS   = 128,
  parameter OUTSTANDING = 4
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  // Users.
  input  logic [3:0]             burst_valid_i,
  input  logic [3:0]             burst_write_i,
  input  logic [3:0]             burst_gather_i,
  input  logic [3:0]             burst_outside_i,
  input  logic [127:0]           burst_address_i,
  input  logic [35:0]            burst_beats_i,
  output logic [3:0]             burst_grant_o,
  output logic [3:0]             read_valid_o,
  // Writers: 0 dma, 1 KV store.
  input  logic [1:0]             write_valid_i,
  input  logic [2*PORT_BITS-1:0] write_data_i,
  input  logic [PORT_BITS/4-1:0] write_strobe_i,
  output logic [1:0]             write_pop_o,
  output logic [1:0]             write_done_o,
  input  logic                   stop_i,
  output logic                   quiet_o,
  // An error of the cycle before: a read's answer, a write's answer, a read or a write outside its window.
  output logic                   error_o,
  output logic [1:0]             error_kind_o,
  output logic [1:0]             error_user_o,
  output logic [1:0]             error_response_o,
  // AXI. Address and length of both address channels are the same lines.
  output logic                   arvalid_o,
  input  logic                   arready_i,
  output logic                   awvalid_o,
  input  logic                   awready_i,
  output logic [31:0]            address_o,
  output logic [7:0]             length_o,
  output logic                   gather_o,
  input  logic                   rvalid_i,
  input  logic                   rlast_i,
  input  logic [1:0]             rresp_i,
  output logic                   wvalid_o,
  input  logic                   wready_i,
  output logic [PORT_BITS-1:0]   wdata_o,
  output logic [PORT_BITS/8-1:0] wstrb_o,
  output logic                   wlast_o,
  input  logic                   bvalid_i,
  input  logic [1:0]             bresp_i
);
  localparam USERS     = 4;
  localparam SLOT_BITS = $clog2(OUTSTANDING + 1);
  localparam [USERS-1:0] KV_STORE = 4'b1000;

  // ------------------------------------------------------------------------------------------------------ Arbitration
  // Users that come before the others: those after the one served last, or only the one that AXI has seen.
  logic [USERS-1:0]     preferred_q;
  logic [USERS-1:0]     turn, chosen;
  logic                 offered, chosen_write, chosen_outside, issued;
  logic                 blocked_q;      // nothing new may be shown
  logic [SLOT_BITS-1:0] in_flight_q;
  logic                 slot_free_q;
  logic [8*USERS-1:0]   lengths;
  logic [1:0]           chosen_index;
  logic                 read_end, write_end, reads_empty, answers_empty;

  assign turn   = (burst_valid_i & preferred_q) != '0 ? burst_valid_i & preferred_q : burst_valid_i;
  assign chosen = {turn[3] && turn[2:0] == '0, turn[2] && turn[1:0] == '0, turn[1] && !turn[0], turn[0]};

  assign offered        = slot_free_q && !blocked_q && burst_valid_i != '0;
  assign chosen_write   = (chosen & burst_write_i) != '0;
  assign chosen_outside = (chosen & burst_outside_i) != '0;
  assign arvalid_o      = offered && (chosen & ~burst_write_i & ~burst_outside_i) != '0;
  assign awvalid_o      = offered && (chosen & burst_write_i & ~burst_outside_i) != '0;
  assign issued         = (arvalid_o && arready_i) || (awvalid_o && awready_i);

  assign burst_grant_o = issued ? chosen : '0;
  assign gather_o      = (chosen & burst_gather_i) != '0;

  always_comb begin
    for (int user = 0; user < USERS; user = user + 1) lengths[user*8 +: 8] = 8'(burst_beats_i[user*9 +: 9] - 9'd1);
  end

  // By number, as a LUT chooses among four of them.
  assign chosen_index = {chosen[3] || chosen[2], chosen[3] || chosen[1]};
  assign address_o    = burst_address_i[32*chosen_index +: 32];
  assign length_o     = lengths[8*chosen_index +: 8];

  always_ff @(posedge clk_i) begin
    if (!rst_ni)      preferred_q <= '0;
    else if (issued)  preferred_q <= {|chosen[2:0], |chosen[1:0], chosen[0], 1'b0};
    else if (offered) preferred_q <= chosen;
  end

  // A user that AXI has seen waiting is not blocked.
  always_ff @(posedge clk_i) begin
    blocked_q <= rst_ni && stop_i && !(arvalid_o && !arready_i) && !(awvalid_o && !awready_i);
  end

  assign quiet_o = blocked_q && in_flight_q == '0;

  // What nobody has asked for counts for nothing.
  assign read_end  = rvalid_i && rlast_i && !reads_empty;
  assign write_end = bvalid_i && !answers_empty;

  // Whether there is one more is known last.
  logic [SLOT_BITS-1:0] still_in_flight;

  assign still_in_flight = in_flight_q - SLOT_BITS'(read_end) - SLOT_BITS'(write_end);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      in_flight_q <= '0;
      slot_free_q <= 1'b1;
    end else begin
      in_flight_q <= issued ? still_in_flight + 1'b1 : still_in_flight;
      slot_free_q <= in_flight_q != SLOT_BITS'(OUTSTANDING) - SLOT_BITS'(issued) || read_end || write_end;
    end
  end

  // ------------------------------------------------------------------------------------------------------------ Reads
  logic [USERS-1:0]     reader;
  logic                 unused_reads_full;
  logic [SLOT_BITS-1:0] unused_reads_count;

  fifo #(.WIDTH(USERS), .DEPTH(OUTSTANDING)) u_reads (
    .clk_i,
    .rst_ni,
    .push_i (issued && !chosen_write),
    .data_i (chosen),
    .full_o (unused_reads_full),
    .pop_i  (read_end),
    .data_o (reader),
    .empty_o(reads_empty),
    .count_o(unused_reads_count)
  );

  assign read_valid_o = rvalid_i ? reader : '0;

  // ----------------------------------------------------------------------------------------------------------- Writes
  logic                 write_issued, writer, write_empty, write_pop;
  logic [7:0]           write_length, beat_q;
  logic                 unused_writes_full;
  logic [SLOT_BITS-1:0] unused_writes_count;
  logic                 answered, unused_answers_full;
  logic [SLOT_BITS-1:0] unused_answers_count;

  assign write_issued = issued && chosen_write;

  // Bursts whose beats are still to go, and those whose answer is still to come.
  fifo #(.WIDTH(9), .DEPTH(OUTSTANDING)) u_writes (
    .clk_i,
    .rst_ni,
    .push_i (write_issued),
    .data_i ({(chosen & KV_STORE) != '0, length_o}),
    .full_o (unused_writes_full),
    .pop_i  (write_pop && wlast_o),
    .data_o ({writer, write_length}),
    .empty_o(write_empty),
    .count_o(unused_writes_count)
  );

  fifo #(.WIDTH(1), .DEPTH(OUTSTANDING)) u_answers (
    .clk_i,
    .rst_ni,
    .push_i (write_issued),
    .data_i ((chosen & KV_STORE) != '0),
    .full_o (unused_answers_full),
    .pop_i  (write_end),
    .data_o (answered),
    .empty_o(answers_empty),
    .count_o(unused_answers_count)
  );

  // After a stop: the beat is one that AXI has not seen.
  logic masked_q;

  always_ff @(posedge clk_i) masked_q <= rst_ni && stop_i && (masked_q || !(wvalid_o && !wready_i));

  assign wvalid_o  = !write_empty && (masked_q || (writer ? write_valid_i[1] : write_valid_i[0]));
  assign wdata_o   = masked_q ? '0 : (writer ? write_data_i[PORT_BITS +: PORT_BITS] : write_data_i[0 +: PORT_BITS]);
  assign wstrb_o   = masked_q ? '0 : (writer ? write_strobe_i[PORT_BITS/8 +: PORT_BITS/8] : write_strobe_i[0 +: PORT_BITS/8]);
  assign wlast_o   = beat_q == write_length;
  assign write_pop = wvalid_o && wready_i;

  assign write_pop_o  = {write_pop && writer, write_pop && !writer};
  assign write_done_o = {bvalid_i && answered, bvalid_i && !answered};

  always_ff @(posedge clk_i) begin
    if (!rst_ni)        beat_q <= '0;
    else if (write_pop) beat_q <= wlast_o ? '0 : beat_q + 1'b1;
  end

  // ----------------------------------------------------------------------------------------------------------- Errors
  logic read_error, write_error;

  assign read_error  = rvalid_i && rresp_i != 2'b00;
  assign write_error = bvalid_i && bresp_i != 2'b00;

  always_ff @(posedge clk_i) begin
    error_o          <= rst_ni && (read_error || write_error || (offered && chosen_outside));
    error_kind_o     <= {1'b1, chosen_write};
    error_user_o     <= chosen_index;
    error_response_o <= 2'b00;
    if (write_error) begin
      error_kind_o     <= 2'd1;
      error_user_o     <= {answered, 1'b1};
      error_response_o <= bresp_i;
    end
    if (read_error) begin
      error_kind_o     <= 2'd0;
      error_user_o     <= {reader[3] || reader[2], reader[3] || reader[1]};
      error_response_o <= rresp_i;
    end
  end
endmodule

`default_nettype wire
