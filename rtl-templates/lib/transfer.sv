// The transfers of a unit that has one stream at a time: bursts, beats, their places in the unit's buffer, and the end.
//
//   PORTS, PORT_BYTES   memory ports; bytes of a beat
//   BURST_BEATS         longest burst
//   OUTSTANDING         most bursts in flight on a port
//   FIRST_PORT          port of the first transfer; each transfer takes the port after the one before
//   STORE_LATENCY       cycles from the start until a write's first burst is offered; at least FETCH_LATENCY + 2
//   FETCH_LATENCY       at most this many cycles from fetch_valid_o to fetched_valid_i
//   POSITION_BITS       bits of a place in the unit's buffer, in beats
//   ROW_BITS, ROWS_BITS bits of the bytes of a row, and of the number of rows
//
// Reads: a beat is at beat_data_o with its place in the cycle after its handshake; done 4 cycles after the last one.
//
//   cycle          0    1         4    5         9   10   11   12   13   14
//   start_i        ‾‾‾‾‾_____     __________     _______________________________
//   burst_valid_o  __________ ... ‾‾‾‾‾_____     _______________________________
//   read_valid_i   __________     __________ ... ‾‾‾‾‾‾‾‾‾‾_____________________
//   beat_valid_o   __________     __________     _____‾‾‾‾‾‾‾‾‾‾________________
//   first_o        __________     __________     ____________________‾‾‾‾‾______
//   done_o         __________     __________     _________________________‾‾‾‾‾_
//
// Writes: beats are fetched ahead from the buffer into a queue; their number there and on the way is bounded, so that
// a beat is always there when memory asks. Done in the cycle after memory has answered the last burst.
//
//   cycle          0    1    2    3    4    5    6    7    8    9   10
//   start_i        ‾‾‾‾‾__________________________________________________
//   fetch_valid_o  __________‾‾‾‾‾‾‾‾‾‾___________________________________
//   fetched_valid_i _____________________________‾‾‾‾‾‾‾‾‾‾_______________      FETCH_LATENCY = 5
//   write_valid_o  ____________________________________‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾
//   burst_valid_o  _____________________________________________‾‾‾‾‾_____      STORE_LATENCY = 9
//   write_pop_i    __________________________________________________‾‾‾‾‾
`default_nettype none

module transfer #(
  parameter PORTS         = 4,
  parameter PORT_BYTES    = 16,
  parameter BURST_BEATS   = 64,
  parameter OUTSTANDING   = 4,
  parameter FIRST_PORT    = 0,
  parameter STORE_LATENCY = 9,
  parameter FETCH_LATENCY = 5,
  parameter POSITION_BITS = 16,
  parameter ROW_BITS      = 20,
  parameter ROWS_BITS     = 20
) (
  input  logic                          clk_i,
  input  logic                          rst_ni,
  // A transfer begins; everything else of this group is valid in that cycle only.
  input  logic                          start_i,
  input  logic                          write_i,
  input  logic [31:0]                   remote_i,
  input  logic [31:0]                   stride_i,
  input  logic [ROW_BITS-1:0]           row_bytes_i,
  input  logic [ROWS_BITS-1:0]          rows_i,
  input  logic [POSITION_BITS-1:0]      position_i,
  input  logic [POSITION_BITS-1:0]      pitch_i,
  output logic                          first_o,
  output logic                          done_o,
  // From the cycle after the start to the one before `done_o`; which of these cycles belong to the time from the first
  // beat to the last; and in which of those the ports were kept busy.
  output logic                          running_o,
  output logic                          streaming_o,
  output logic                          moving_o,
  output logic [PORTS-1:0]              port_o,        // of this transfer or the last one
  // Memory.
  output logic [PORTS-1:0]              burst_valid_o,
  output logic                          burst_write_o,
  output logic [31:0]                   burst_address_o,
  output logic [8:0]                    burst_beats_o,
  input  logic [PORTS-1:0]              burst_grant_i,
  input  logic [PORTS-1:0]              read_valid_i,
  input  logic [PORTS*PORT_BYTES*8-1:0] read_data_i,
  output logic                          write_valid_o,
  output logic [PORT_BYTES*8-1:0]       write_data_o,
  output logic [PORT_BYTES-1:0]         write_strobe_o,
  input  logic                          write_pop_i,
  input  logic                          write_done_i,
  // The unit's buffer.
  output logic                          beat_valid_o,
  output logic [PORT_BYTES*8-1:0]       beat_data_o,
  output logic                          fetch_valid_o,
  output logic [POSITION_BITS-1:0]      position_o,    // of the beat, or of what is fetched
  output logic [PORT_BYTES-1:0]         strobe_o,
  input  logic                          fetched_valid_i,
  input  logic [PORT_BYTES*8-1:0]       fetched_data_i,
  input  logic [PORT_BYTES-1:0]         fetched_strobe_i
);
  localparam BEAT_BITS   = PORT_BYTES * 8;
  localparam QUEUE_DEPTH = FETCH_LATENCY + 11;   // more than a beat's way from its fetch to the memory and back
  localparam ROOM_BITS   = $clog2(QUEUE_DEPTH + 1);
  localparam FLIGHT_BITS = $clog2(OUTSTANDING + 1);
  localparam CYCLE_BYTES = PORTS * PORT_BYTES;   // what all ports together can move in a cycle
  // A write's first beats are counted before the memory takes them.
  localparam MOVED_BITS  = $clog2(2 * CYCLE_BYTES + QUEUE_DEPTH * PORT_BYTES) + 1;

  logic                          write_q, running_q;
  logic [PORTS-1:0]              port_q;
  logic                          step, last_beat;
  logic                          cursor_valid;
  logic [$clog2(PORT_BYTES):0]   step_bytes;

  // The port, one hot, moves on with every start.
  always_ff @(posedge clk_i) begin
    if (!rst_ni)      port_q <= PORTS'(1) << ((FIRST_PORT + PORTS - 1) % PORTS);
    else if (start_i) port_q <= PORTS'({port_q, port_q} >> (PORTS - 1));
    if (start_i) write_q <= write_i;
  end

  // The operands come late in the cycle: the places of the beats start one cycle after, the bursts two.
  localparam LOW        = $clog2(PORT_BYTES);
  localparam BEATS_BITS = ROW_BITS > LOW ? ROW_BITS - LOW + 1 : 2;

  logic                     placed_q, launched_q;
  logic [31:0]              remote_q, stride_q;
  logic [ROW_BITS-1:0]      row_bytes_q;
  logic [BEATS_BITS-1:0]    row_beats_q;
  logic [ROWS_BITS-1:0]     rows_q;
  logic [POSITION_BITS-1:0] first_position_q, pitch_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      placed_q   <= 1'b0;
      launched_q <= 1'b0;
    end else begin
      placed_q   <= start_i;
      launched_q <= placed_q;
    end
    if (start_i) begin
      remote_q         <= remote_i;
      stride_q         <= stride_i;
      row_bytes_q      <= row_bytes_i;
      rows_q           <= rows_i;
      first_position_q <= position_i;
      pitch_q          <= pitch_i;
    end
    // A beat in part counts whole.
    row_beats_q <= BEATS_BITS'((32'(row_bytes_q) + PORT_BYTES - 1) >> LOW);
  end

  // ---------------------------------------------------------------------------------------------------------- Bursts
  logic                     walker_valid, walker_last, burst_granted;
  logic                     open_q;          // the bursts may be offered
  logic [STORE_LATENCY-2:0] store_start_q;

  // They are there 4 cycles after the start; those of a write wait until its first beats have come.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) store_start_q <= '0;
    else         store_start_q <= {store_start_q[STORE_LATENCY-3:0], start_i && write_i};
    if (start_i)                             open_q <= !write_i;
    else if (store_start_q[STORE_LATENCY-2]) open_q <= 1'b1;
  end

  assign burst_granted = |burst_grant_i;

  burst_walker #(
    .PORT_BYTES (PORT_BYTES),
    .BURST_BEATS(BURST_BEATS),
    .BEATS_BITS (BEATS_BITS),
    .ROWS_BITS  (ROWS_BITS)
  ) u_walker (
    .clk_i,
    .rst_ni,
    .start_i    (launched_q),
    .address_i  (remote_q),
    .row_beats_i(row_beats_q),
    .rows_i     (rows_q),
    .stride_i   (stride_q),
    .last_address_i(32'd0),
    .last_beats_i(BEATS_BITS'(0)),
    .next_i     (burst_granted),
    .valid_o    (walker_valid),
    .address_o  (burst_address_o),
    .beats_o    (burst_beats_o),
    .last_o     (walker_last)
  );

  assign burst_valid_o = walker_valid && open_q ? port_q : '0;
  assign burst_write_o = write_q;
  assign port_o        = port_q;

  // ------------------------------------------------------------------------------------------------ Places of beats
  row_cursor #(
    .PORT_BYTES   (PORT_BYTES),
    .POSITION_BITS(POSITION_BITS),
    .ROW_BITS     (ROW_BITS),
    .ROWS_BITS    (ROWS_BITS)
  ) u_cursor (
    .clk_i,
    .rst_ni,
    .start_i    (placed_q),
    .position_i (first_position_q),
    .row_bytes_i(row_bytes_q),
    .rows_i     (rows_q),
    .pitch_i    (pitch_q),
    .step_i     (step),
    .valid_o    (cursor_valid),
    .position_o,
    .strobe_o,
    .bytes_o    (step_bytes),
    .last_o     (last_beat)
  );

  assign step = beat_valid_o || fetch_valid_o;

  // ----------------------------------------------------------------------------------------------------------- Reads
  logic                 beat_valid_q;
  logic [BEAT_BITS-1:0] beat, beat_q;
  logic [2:0]           last_read_q, first_read_q;   // on their way to done_o and first_o
  logic                 awaits_first_q;

  always_comb begin
    beat = '0;
    for (int port = 0; port < PORTS; port = port + 1) begin
      if (port_q[port]) beat = beat | read_data_i[port*BEAT_BITS +: BEAT_BITS];
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      beat_valid_q <= 1'b0;
      last_read_q  <= '0;
      first_read_q <= '0;
    end else begin
      beat_valid_q <= |read_valid_i;
      last_read_q  <= {last_read_q[1:0], beat_valid_q && last_beat};
      first_read_q <= {first_read_q[1:0], beat_valid_q && awaits_first_q};
    end
    beat_q <= beat;
    if (start_i)   awaits_first_q <= 1'b1;
    else if (step) awaits_first_q <= 1'b0;
  end

  assign beat_valid_o = beat_valid_q;
  assign beat_data_o  = beat_q;

  // ---------------------------------------------------------------------------------------------------------- Writes
  logic [ROOM_BITS-1:0]   room_q;         // beats that may still be fetched
  logic [FLIGHT_BITS-1:0] in_flight_q;    // bursts of a write without an answer
  logic                   all_issued_q;
  logic                   queue_empty, unused_full;
  logic [ROOM_BITS-1:0]   unused_count;
  logic                   awaits_pop_q;
  logic                   last_answer, written_q, first_write_q;

  assign last_answer   = write_done_i && all_issued_q && in_flight_q == FLIGHT_BITS'(1);
  assign fetch_valid_o = cursor_valid && write_q && room_q != '0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      room_q        <= ROOM_BITS'(QUEUE_DEPTH);
      in_flight_q   <= '0;
      written_q     <= 1'b0;
      first_write_q <= 1'b0;
    end else begin
      if (fetch_valid_o && !write_pop_i) room_q <= room_q - 1'b1;
      if (write_pop_i && !fetch_valid_o) room_q <= room_q + 1'b1;
      if (burst_granted && write_q && !write_done_i)   in_flight_q <= in_flight_q + 1'b1;
      if (write_done_i && !(burst_granted && write_q)) in_flight_q <= in_flight_q - 1'b1;
      written_q     <= last_answer;
      first_write_q <= write_pop_i && awaits_pop_q;
    end
    if (start_i)                           all_issued_q <= 1'b0;
    else if (burst_granted && walker_last) all_issued_q <= 1'b1;
    if (start_i)          awaits_pop_q <= 1'b1;
    else if (write_pop_i) awaits_pop_q <= 1'b0;
  end

  fifo #(.WIDTH(BEAT_BITS + PORT_BYTES), .DEPTH(QUEUE_DEPTH)) u_queue (
    .clk_i,
    .rst_ni,
    .push_i (fetched_valid_i),
    .data_i ({fetched_strobe_i, fetched_data_i}),
    .full_o (unused_full),
    .pop_i  (write_pop_i),
    .data_o ({write_strobe_o, write_data_o}),
    .empty_o(queue_empty),
    .count_o(unused_count)
  );

  assign write_valid_o = !queue_empty;

  // ---------------------------------------------------------------------------------------------------- End and time
  logic                  end_of_run;
  logic                  begun_q;       // the first beat has been seen
  logic [MOVED_BITS-1:0] moved_q;       // bytes whose time has not been counted
  logic [MOVED_BITS-1:0] step_moves_q;

  assign end_of_run = last_read_q[1] || last_answer;

  // A read's beats are seen when they have come through, a write's when memory has taken them: the last one has left when
  // nothing is to be fetched and none is on its way.
  assign streaming_o = (first_o || begun_q) && (!write_q || cursor_valid || room_q != ROOM_BITS'(QUEUE_DEPTH));

  // The cycle of the start counts for the first CYCLE_BYTES; a further one is due as soon as there are more.
  assign moving_o = streaming_o && 32'(moved_q) > CYCLE_BYTES;

  always_ff @(posedge clk_i) begin
    if (!rst_ni)         running_q <= 1'b0;
    else if (start_i)    running_q <= 1'b1;
    else if (end_of_run) running_q <= 1'b0;

    if (start_i)      begun_q <= 1'b0;
    else if (first_o) begun_q <= 1'b1;

    step_moves_q <= step ? MOVED_BITS'(step_bytes) : '0;

    if (start_i)       moved_q <= '0;
    else if (moving_o) moved_q <= moved_q - MOVED_BITS'(CYCLE_BYTES) + step_moves_q;
    else               moved_q <= moved_q + step_moves_q;
  end

  assign first_o   = first_read_q[2] || first_write_q;
  assign done_o    = last_read_q[2] || written_q;
  assign running_o = running_q;
endmodule

`default_nettype wire
