// One slice of the weight words as it comes from its port: beats in, table indices of SLICE columns out.
//
//   PORT_BYTES                     bytes of a beat
//   GROUP, TABLES, COLUMNS         shape of the slice: COLUMNS columns that exist
//   TERNARY_BYTES, BINARY_BYTES    bytes of the slice of one word. Up to PORT_BYTES (for both): whole slices to a beat.
//                                  More (for ternary): a gearbox joins units of 4 bytes
//   ROW_WORDS                      words in a row of the memory, a power of two, at least what a beat brings
//   HALF                           1: an index is a sign and an entry of the first half
//   INDEX_BITS                     bits of what is stored for a group
//   ROW_BITS, BINARY_ROW_BITS      bits of the row in a table's bank, of all tables and of binary ones
//   ADDRESS_BITS                   bits of a word's address
//   COUNT_BITS                     bits of the number of words
//
// A beat in cycle c is in the memory at the end of c + 3; the padding of words and of the last beat is dropped.
//
//   cycle             0    1    2    3
//   beat_valid_i      ‾‾‾‾‾____________
//   first_o, last_o   _____‾‾‾‾‾_______     registered: the load's first beat; its last one
//   write_enable_o    _______________‾‾     ternary bytes to digits | joined to words | digits to indices
`default_nettype none

module digit_slice #(
  parameter PORT_BYTES      = 16,
  parameter GROUP           = 5,
  parameter TABLES          = 26,
  parameter COLUMNS         = 2,
  parameter TERNARY_BYTES   = 52,
  parameter BINARY_BYTES    = 36,
  parameter ROW_WORDS       = 1,
  parameter HALF            = 1,
  parameter INDEX_BITS      = 8,
  parameter ROW_BITS        = 5,
  parameter BINARY_ROW_BITS = 2,
  parameter ADDRESS_BITS    = 12,
  parameter COUNT_BITS      = 13
) (
  input  logic                                       clk_i,
  input  logic                                       rst_ni,
  input  logic                                       start_i,
  input  logic                                       start_binary_i,
  input  logic [ADDRESS_BITS-1:0]                    start_address_i,
  input  logic [COUNT_BITS-1:0]                      start_words_i,
  input  logic                                       beat_valid_i,
  input  logic [PORT_BYTES*8-1:0]                    beat_data_i,
  output logic                                       first_o,
  output logic                                       last_o,
  output logic [ROW_WORDS-1:0]                       write_enable_o,
  output logic [ADDRESS_BITS-1:0]                    write_address_o,   // of the row's first word
  output logic [ROW_WORDS*COLUMNS*TABLES*INDEX_BITS-1:0] write_data_o   // word, column, table
);
  localparam GEARBOX      = TERNARY_BYTES > PORT_BYTES ? 1 : 0;
  localparam BYTE_INDEX   = GROUP == 5 ? 1 : 0;             // a ternary byte is an index
  localparam SYMBOL       = BYTE_INDEX != 0 ? 8 : 10;       // bits that a byte becomes
  localparam TERNARY_FIT  = GEARBOX != 0 ? 1 : PORT_BYTES / TERNARY_BYTES;
  localparam BINARY_FIT   = GEARBOX != 0 ? 1 : PORT_BYTES / BINARY_BYTES;
  localparam WORD_SYMBOLS = GEARBOX != 0 ? (TERNARY_BYTES > BINARY_BYTES ? TERNARY_BYTES : BINARY_BYTES) : PORT_BYTES;
  localparam LANE_BITS    = $clog2(ROW_WORDS);

  // ---- First cycle: bytes to symbols ------------------------------------------------------------------------------
  logic                         binary_q, beat_q, seen_q;
  logic [PORT_BYTES*SYMBOL-1:0] symbols_d, symbols_q;
  logic [COUNT_BITS-1:0]        left_q, fit;               // words to come; words that this beat brings
  logic                         completes, last;

  generate
    if (BYTE_INDEX != 0) begin : g_index
      // The complement of an index beyond the middle is 242 less it.
      logic [7:0] entry;
      logic       minus;
      always_comb begin
        symbols_d = 0;
        entry     = 8'd0;
        minus     = 1'b0;
        for (int i = 0; i < PORT_BYTES; i = i + 1) begin
          entry = beat_data_i[i*8 +: 8];
          minus = HALF != 0 && entry > 8'd121 && !binary_q;
          symbols_d[i*8 +: 8] = minus ? {1'b1, 7'(8'd242 - entry)} : entry;
        end
      end
    end else begin : g_digits
      for (genvar i = 0; i < PORT_BYTES; i = i + 1) begin : g_byte
        logic [9:0] digits;
        digit_split #(.GROUP(5), .INDEX_BITS(8)) u_split (.index_i(beat_data_i[i*8 +: 8]), .digits_o(digits));
        assign symbols_d[i*SYMBOL +: SYMBOL] = SYMBOL'(binary_q ? {2'b00, beat_data_i[i*8 +: 8]} : digits);
      end
    end
  endgenerate

  always_ff @(posedge clk_i) begin
    if (!rst_ni) beat_q <= 1'b0;
    else         beat_q <= beat_valid_i;
    symbols_q <= symbols_d;
    if (start_i)     seen_q <= 1'b0;
    else if (beat_q) seen_q <= 1'b1;
    if (start_i) begin
      binary_q <= start_binary_i;
      left_q   <= start_words_i;
    end else if (beat_q && completes) begin
      left_q <= left_q - fit;
    end
  end

  assign fit     = binary_q ? COUNT_BITS'(BINARY_FIT) : COUNT_BITS'(TERNARY_FIT);
  assign last    = left_q <= fit;
  assign first_o = beat_q && !seen_q;
  assign last_o  = beat_q && completes && last;

  // ---- Second cycle: symbols to words -----------------------------------------------------------------------------
  logic [WORD_SYMBOLS*SYMBOL-1:0] word_q;
  logic                           word_valid_q;
  logic [ROW_WORDS-1:0]           present_d, present_q;    // words of the beat that belong to the load

  always_comb begin
    present_d = 0;
    for (int i = 0; i < ROW_WORDS; i = i + 1) present_d[i] = COUNT_BITS'(i) < left_q && COUNT_BITS'(i) < fit;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) word_valid_q <= 1'b0;
    else         word_valid_q <= beat_q && completes;
    present_q <= present_d;
  end

  generate
    if (GEARBOX != 0) begin : g_gearbox
      // Slot u of a word always takes unit u mod BEAT_UNITS of the rotated beat, so placing needs no multiplexer but the
      // rotation. Units beyond the word's end wait a cycle in `spill_q` and become the first ones of the next word.
      localparam UNIT          = 4 * SYMBOL;
      localparam BEAT_UNITS    = PORT_BYTES / 4;
      localparam SLOTS         = WORD_SYMBOLS / 4;
      localparam SPILLS        = BEAT_UNITS > 1 ? BEAT_UNITS - 1 : 1;
      localparam HELD_BITS     = $clog2(SLOTS + BEAT_UNITS + 1);

      logic [HELD_BITS-1:0]       units, held_q, held_sum;
      logic [BEAT_UNITS*UNIT-1:0] rotated;
      logic [SPILLS*UNIT-1:0]     spill_q;

      assign units     = binary_q ? HELD_BITS'(BINARY_BYTES / 4) : HELD_BITS'(TERNARY_BYTES / 4);
      assign held_sum  = held_q + HELD_BITS'(BEAT_UNITS);
      assign completes = held_sum >= units;

      always_comb begin
        rotated = 0;
        for (int i = 0; i < BEAT_UNITS; i = i + 1) begin
          for (int from = 0; from < BEAT_UNITS; from = from + 1) begin
            if (((32'(held_q) + from) & (BEAT_UNITS - 1)) == i) rotated[i*UNIT +: UNIT] = symbols_q[from*UNIT +: UNIT];
          end
        end
      end

      always_ff @(posedge clk_i) begin
        if (start_i)     held_q <= 0;
        else if (beat_q) held_q <= completes ? held_sum - units : held_sum;
        for (int u = 0; u < SLOTS; u = u + 1) begin
          if (beat_q && HELD_BITS'(u) >= held_q && HELD_BITS'(u) < held_sum) begin
            word_q[u*UNIT +: UNIT] <= rotated[(u & (BEAT_UNITS - 1))*UNIT +: UNIT];
          end else if (word_valid_q && u < SPILLS) begin
            word_q[u*UNIT +: UNIT] <= spill_q[(u < SPILLS ? u : 0)*UNIT +: UNIT];
          end
        end
        for (int u = 0; u < BEAT_UNITS - 1; u = u + 1) begin
          spill_q[u*UNIT +: UNIT] <= binary_q
            ? rotated[((u + BINARY_BYTES / 4) & (BEAT_UNITS - 1))*UNIT +: UNIT]
            : rotated[((u + TERNARY_BYTES / 4) & (BEAT_UNITS - 1))*UNIT +: UNIT];
        end
      end
    end else begin : g_direct
      assign completes = 1'b1;
      always_ff @(posedge clk_i) word_q <= symbols_q;
    end
  endgenerate

  // ---- Third cycle: digits to what is stored ----------------------------------------------------------------------
  // A ternary group from its digits, the first the most significant.
  function automatic logic [INDEX_BITS-1:0] ternary_code(input logic [2*GROUP-1:0] digits);
    logic       minus, settled;
    logic [1:0] digit;
    logic [9:0] index;
    minus   = 1'b0;
    settled = HALF == 0;
    for (int g = 0; g < GROUP; g = g + 1) begin
      if (!settled && digits[2*g +: 2] != 2'd1) begin
        minus   = digits[2*g + 1];
        settled = 1'b1;
      end
    end
    index = 10'd0;
    for (int g = 0; g < GROUP; g = g + 1) begin
      digit = minus ? 2'd2 - digits[2*g +: 2] : digits[2*g +: 2];
      index = 10'(3 * 32'(index)) + 10'(digit);
    end
    ternary_code = INDEX_BITS'(index);
    if (HALF != 0) ternary_code[INDEX_BITS-1] = minus;
  endfunction

  // A binary one, the first digit the least significant: bank and row apart.
  function automatic logic [INDEX_BITS-1:0] binary_code(input logic [GROUP-1:0] digits);
    logic                  minus;
    logic [GROUP-1:0]      index;
    logic [INDEX_BITS-1:0] wide;
    minus = HALF != 0 && digits[GROUP-1];
    index = digits ^ {GROUP{minus}};
    wide  = INDEX_BITS'(index);
    binary_code = ((wide >> BINARY_ROW_BITS) << ROW_BITS) | (wide & INDEX_BITS'((1 << BINARY_ROW_BITS) - 1));
    if (HALF != 0) binary_code[INDEX_BITS-1] = minus;
  endfunction

  logic [ROW_WORDS*COLUMNS*TABLES*INDEX_BITS-1:0] codes_d, codes_q;
  logic [2*GROUP-1:0]      ternary_digits;
  logic [GROUP-1:0]        binary_digits;
  logic [ADDRESS_BITS-1:0] address_q, row_q;
  logic [ROW_WORDS-1:0]    enable_d, enable_q;

  always_comb begin
    codes_d        = 0;
    ternary_digits = 0;
    binary_digits  = 0;
    for (int word = 0; word < ROW_WORDS; word = word + 1) begin
      for (int i = 0; i < COLUMNS * TABLES; i = i + 1) begin
        for (int g = 0; g < GROUP; g = g + 1) begin
          binary_digits[g] =
            word_q[((word % BINARY_FIT) * BINARY_BYTES + (i*GROUP + g) / 8) * SYMBOL + (i*GROUP + g) % 8];
          if (BYTE_INDEX == 0) begin
            ternary_digits[2*g +: 2] =
              word_q[((word % TERNARY_FIT) * TERNARY_BYTES + (i*GROUP + g) / 5) * SYMBOL + (i*GROUP + g) % 5 * 2 +: 2];
          end
        end
        if (binary_q) begin
          codes_d[(word*COLUMNS*TABLES + i)*INDEX_BITS +: INDEX_BITS] = binary_code(binary_digits);
        end else if (BYTE_INDEX != 0) begin
          codes_d[(word*COLUMNS*TABLES + i)*INDEX_BITS +: INDEX_BITS] =
            INDEX_BITS'(word_q[((word % TERNARY_FIT) * TERNARY_BYTES + i) * SYMBOL +: 8]);
        end else begin
          codes_d[(word*COLUMNS*TABLES + i)*INDEX_BITS +: INDEX_BITS] = ternary_code(ternary_digits);
        end
      end
    end
  end

  // A beat may fill only a part of a row.
  always_comb begin
    enable_d = 0;
    for (int word = 0; word < ROW_WORDS; word = word + 1) begin
      for (int i = 0; i < ROW_WORDS; i = i + 1) begin
        if ((32'(address_q) & (ROW_WORDS - 1)) + i == word) enable_d[word] = word_valid_q && present_q[i];
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) enable_q <= 0;
    else         enable_q <= enable_d;
    codes_q <= codes_d;
    row_q   <= (address_q >> LANE_BITS) << LANE_BITS;
    if (start_i)           address_q <= start_address_i;
    else if (word_valid_q) address_q <= address_q + ADDRESS_BITS'(fit);
  end

  assign write_enable_o  = enable_q;
  assign write_address_o = row_q;
  assign write_data_o    = codes_q;

  logic unused;
  assign unused = ^{ternary_digits, word_q};
endmodule

`default_nettype wire
