// Reads one row through STREAMS ports at once and gives it word by word, each with its address.
//
//   PORTS, PORT_BYTES   memory ports; bytes of a beat
//   STREAMS             ports of a fill: 2 or 4; divides PORTS
//   WORD_BEATS          beats of a word, a power of two and at least STREAMS
//   BURST_BEATS         longest burst
//   ADDRESS_BITS        bits of a word's address
//   COUNT_BITS          bits of the number of words
//
// The words are dealt to the streams in parts that follow each other, the first ones a word longer if it does not come
// out even. Stream s has port g·STREAMS + s; group g is the one after that of the fill before.
//
// A stream has a word every WORD_BEATS cycles at the earliest and keeps it while it collects the next, so each has its
// turn within STREAMS cycles: a word is given at most STREAMS + 1 cycles after its last beat's handshake, here 10. First
// and done come 4 cycles after the first and the last beat of all streams.
//
//   cycle          0    1         4    5         9   10   11   12   13   14
//   start_i        ‾‾‾‾‾_____     __________     _______________________________
//   burst_valid_o  __________ ... ‾‾‾‾‾_____     _______________________________
//   read_valid_i   __________     __________ ... ‾‾‾‾‾‾‾‾‾‾_____________________
//   word_valid_o   __________     __________     _______________‾‾‾‾‾___________
//   first_o        __________     __________     ____________________‾‾‾‾‾______
//   done_o         __________     __________     _________________________‾‾‾‾‾_
`default_nettype none

module wide_fill #(
  parameter PORTS        = 4,
  parameter PORT_BYTES   = 16,
  parameter STREAMS      = 2,
  parameter WORD_BEATS   = 2,
  parameter BURST_BEATS  = 64,
  parameter ADDRESS_BITS = 14,
  parameter COUNT_BITS   = 15
) (
  input  logic                               clk_i,
  input  logic                               rst_ni,
  // A fill begins; everything else of this group is valid in that cycle only.
  input  logic                               start_i,
  input  logic [31:0]                        remote_i,
  input  logic [ADDRESS_BITS-1:0]            word_i,
  input  logic [COUNT_BITS-1:0]              words_i,
  output logic                               first_o,
  output logic                               done_o,
  // From the cycle after the start to the one before `done_o`; which of these cycles belong to the time from the first
  // beat to the last; and in which of those the ports were kept busy.
  output logic                               running_o,
  output logic                               streaming_o,
  output logic                               moving_o,
  // Memory; addresses and beats by stream.
  output logic [PORTS-1:0]                   burst_valid_o,
  output logic [STREAMS*32-1:0]              burst_address_o,
  output logic [STREAMS*9-1:0]               burst_beats_o,
  input  logic [PORTS-1:0]                   burst_grant_i,
  input  logic [PORTS-1:0]                   read_valid_i,
  input  logic [PORTS*PORT_BYTES*8-1:0]      read_data_i,
  // Words.
  output logic                               word_valid_o,
  output logic [ADDRESS_BITS-1:0]            word_address_o,
  output logic                               word_first_o,   // it is that of the first stream, else of another
  output logic [WORD_BEATS*PORT_BYTES*8-1:0] word_of_first_o,
  output logic [WORD_BEATS*PORT_BYTES*8-1:0] word_of_other_o,
  // Beats by stream; while no fill runs, of the group that has one of `ports_i`.
  input  logic [PORTS-1:0]                   ports_i,
  output logic [STREAMS*PORT_BYTES*8-1:0]    beats_o
);
  localparam BEAT_BITS   = PORT_BYTES * 8;
  localparam WORD_BITS   = WORD_BEATS * BEAT_BITS;
  localparam GROUPS      = PORTS / STREAMS;
  localparam SLOT_BITS   = $clog2(WORD_BEATS);
  localparam BEATS_BITS  = COUNT_BITS + SLOT_BITS;
  localparam WORD_LOW    = $clog2(PORT_BYTES) + SLOT_BITS;
  localparam STREAM_BITS = $clog2(STREAMS + 1);
  localparam MOVED_BITS  = $clog2(2 * PORTS) + 1;

  // ----------------------------------------------------------------------------------------------------------- Start
  // The parts one cycle after the start, the bursts' addresses two.
  logic                    placed_q, launched_q, running_q;
  logic [GROUPS-1:0]       group_q, asked, select_q;   // group of the fill; group to read from
  logic [31:0]             remote_q;
  logic [ADDRESS_BITS-1:0] word_q;
  logic [COUNT_BITS-1:0]   words_q;
  logic [2:0]              end_q, first_q;           // on their way to done_o and first_o

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      placed_q   <= 1'b0;
      launched_q <= 1'b0;
      running_q  <= 1'b0;
      group_q    <= GROUPS'(1) << (GROUPS - 1);
    end else begin
      placed_q   <= start_i;
      launched_q <= placed_q;
      if (start_i)       running_q <= 1'b1;
      else if (end_q[1]) running_q <= 1'b0;
      if (start_i) group_q <= GROUPS'({group_q, group_q} >> (GROUPS - 1));
    end
    if (start_i) begin
      remote_q <= remote_i;
      word_q   <= word_i;
      words_q  <= words_i;
    end
  end

  always_comb begin
    for (int group = 0; group < GROUPS; group = group + 1) asked[group] = |ports_i[group*STREAMS +: STREAMS];
  end

  always_ff @(posedge clk_i) select_q <= running_q ? group_q : asked;

  // --------------------------------------------------------------------------------------------------------- Streams
  logic [STREAMS*COUNT_BITS-1:0]   sizes_q, offsets_q;     // words of each part, and of the parts before it
  logic [STREAMS*COUNT_BITS-1:0]   sizes, offsets;
  logic [COUNT_BITS-1:0]           dealt;
  logic [STREAMS-1:0]              arrived_q, completed_q, waits_q, turn;
  logic [STREAMS*ADDRESS_BITS-1:0] addresses;
  logic [STREAMS*WORD_BITS-1:0]    words;

  always_comb begin
    dealt = '0;
    for (int stream = 0; stream < STREAMS; stream = stream + 1) begin
      sizes[stream*COUNT_BITS +: COUNT_BITS]   = COUNT_BITS'((32'(words_q) + (STREAMS - 1 - stream)) / STREAMS);
      offsets[stream*COUNT_BITS +: COUNT_BITS] = dealt;
      dealt = dealt + sizes[stream*COUNT_BITS +: COUNT_BITS];
    end
  end

  always_ff @(posedge clk_i) begin
    sizes_q   <= sizes;
    offsets_q <= offsets;
  end

  generate
    for (genvar stream = 0; stream < STREAMS; stream = stream + 1) begin : g_stream
      logic                    walker_valid, arrives, unused_last;
      logic [GROUPS-1:0]       grants, valids;
      logic [BEAT_BITS-1:0]    beat;
      logic [COUNT_BITS-1:0]   size_q, offset_q;
      logic [SLOT_BITS-1:0]    slot_q;
      logic [ADDRESS_BITS-1:0] address_q;
      logic [WORD_BITS-1:0]    collected_q, kept_q;

      assign size_q   = sizes_q[stream*COUNT_BITS +: COUNT_BITS];
      assign offset_q = offsets_q[stream*COUNT_BITS +: COUNT_BITS];

      burst_walker #(
        .PORT_BYTES (PORT_BYTES),
        .BURST_BEATS(BURST_BEATS),
        .BEATS_BITS (BEATS_BITS),
        .ROWS_BITS  (1)
      ) u_walker (
        .clk_i,
        .rst_ni,
        .start_i    (launched_q && size_q != '0),
        .address_i  (remote_q + (32'(offset_q) << WORD_LOW)),
        .row_beats_i(BEATS_BITS'(size_q) << SLOT_BITS),
        .rows_i     (1'b1),
        .stride_i   (32'd0),
        .last_address_i(32'd0),
        .last_beats_i(BEATS_BITS'(0)),
        .next_i     (running_q && |grants),
        .valid_o    (walker_valid),
        .address_o  (burst_address_o[stream*32 +: 32]),
        .beats_o    (burst_beats_o[stream*9 +: 9]),
        .last_o     (unused_last)
      );

      // Its port in each group.
      always_comb begin
        beat = '0;
        for (int group = 0; group < GROUPS; group = group + 1) begin
          grants[group] = burst_grant_i[group*STREAMS + stream];
          valids[group] = read_valid_i[group*STREAMS + stream];
          if (select_q[group]) beat = beat | read_data_i[(group*STREAMS + stream)*BEAT_BITS +: BEAT_BITS];
        end
      end

      for (genvar group = 0; group < GROUPS; group = group + 1) begin : g_group
        assign burst_valid_o[group*STREAMS + stream] = walker_valid && group_q[group];
      end

      // Bursts and beats of other transfers are not for this module.
      assign arrives = running_q && |valids;

      always_ff @(posedge clk_i) begin
        if (!rst_ni) begin
          slot_q              <= '0;
          arrived_q[stream]   <= 1'b0;
          completed_q[stream] <= 1'b0;
          waits_q[stream]     <= 1'b0;
        end else begin
          if (arrives) slot_q <= slot_q + 1'b1;
          arrived_q[stream]   <= arrives;
          completed_q[stream] <= arrives && &slot_q;
          if (completed_q[stream]) waits_q[stream] <= 1'b1;
          else if (turn[stream])   waits_q[stream] <= 1'b0;
        end
        for (int slot = 0; slot < WORD_BEATS; slot = slot + 1) begin
          if (arrives && slot_q == SLOT_BITS'(slot)) collected_q[slot*BEAT_BITS +: BEAT_BITS] <= beat;
        end
        if (completed_q[stream]) kept_q <= collected_q;
        if (launched_q)        address_q <= word_q + ADDRESS_BITS'(offset_q);
        else if (turn[stream]) address_q <= address_q + 1'b1;
      end

      assign beats_o[stream*BEAT_BITS +: BEAT_BITS]         = beat;
      assign addresses[stream*ADDRESS_BITS +: ADDRESS_BITS] = address_q;
      assign words[stream*WORD_BITS +: WORD_BITS]           = kept_q;
    end
  endgenerate

  // ----------------------------------------------------------------------------------------------------------- Turns
  // The lowest of those that wait.
  always_comb begin
    turn            = '0;
    word_address_o  = addresses[(STREAMS-1)*ADDRESS_BITS +: ADDRESS_BITS];
    word_of_other_o = words[(STREAMS-1)*WORD_BITS +: WORD_BITS];
    for (int stream = STREAMS - 1; stream >= 0; stream = stream - 1) begin
      if (waits_q[stream]) begin
        turn           = STREAMS'(1) << stream;
        word_address_o = addresses[stream*ADDRESS_BITS +: ADDRESS_BITS];
      end
      if (stream > 0 && waits_q[stream]) word_of_other_o = words[stream*WORD_BITS +: WORD_BITS];
    end
  end

  assign word_valid_o    = |waits_q;
  assign word_first_o    = waits_q[0];
  assign word_of_first_o = words[WORD_BITS-1:0];

  // ---------------------------------------------------------------------------------------------------- End and time
  logic [STREAM_BITS-1:0] arrived, completed;
  logic [COUNT_BITS-1:0]  left_q;       // words that are not complete
  logic                   awaits_first_q;
  logic                   begun_q;      // the first beat has been seen
  logic [MOVED_BITS-1:0]  moved_q;      // beats whose time has not been counted

  always_comb begin
    arrived   = '0;
    completed = '0;
    for (int stream = 0; stream < STREAMS; stream = stream + 1) begin
      arrived   = arrived + STREAM_BITS'(arrived_q[stream]);
      completed = completed + STREAM_BITS'(completed_q[stream]);
    end
  end

  assign streaming_o = first_o || begun_q;

  // The cycle of the start counts for the first beat of all ports; a further one is due as soon as there are more.
  assign moving_o = streaming_o && 32'(moved_q) > PORTS;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      end_q   <= '0;
      first_q <= '0;
    end else begin
      end_q   <= {end_q[1:0], |completed_q && left_q == COUNT_BITS'(completed)};
      first_q <= {first_q[1:0], |arrived_q && awaits_first_q};
    end
    if (start_i) left_q <= words_i;
    else         left_q <= left_q - COUNT_BITS'(completed);
    if (start_i)         awaits_first_q <= 1'b1;
    else if (|arrived_q) awaits_first_q <= 1'b0;
    if (start_i)      begun_q <= 1'b0;
    else if (first_o) begun_q <= 1'b1;
    if (start_i)       moved_q <= '0;
    else if (moving_o) moved_q <= moved_q - MOVED_BITS'(PORTS) + MOVED_BITS'(arrived);
    else               moved_q <= moved_q + MOVED_BITS'(arrived);
  end

  assign first_o   = first_q[2];
  assign done_o    = end_q[2];
  assign running_o = running_q;
endmodule

`default_nettype wire
