// One table of the matmul engine: G inputs in, the sums of their weighted combinations in LUT RAM, COLUMNS lookups out.
//
//   GROUP          inputs, G
//   BANKS          entries written per cycle; each bank holds 2^ROW_BITS consecutive entries of two blocks in turn
//   ENTRY_BITS     bits of a signed entry
//   COLUMNS        lookups per cycle
//   ADDRESS_BITS   bits of an entry's number: bank, then row
//   STEPS          bit g of a bank: its index ever grows at digit g
//
// Entries are made in ascending order of their index, each from the one before it by one addition: when an index grows,
// digit c grows by one and all digits below it fall from their largest to their least value. What that takes from the sum
// depends on c alone, so G such steps are computed once per block (`step_q`), input by input, while every bank adds up its
// first entry. All arithmetic is modulo 2^ENTRY_BITS; entries fit. `lut_sequencer` tells what to do.
//
//   cycle        0     1 … G      G+1 … G+rows
//   clear_i      ‾‾‾‾‾‾__________________________
//   digit_i            inputs
//   init_i       ______‾‾‾‾‾‾‾‾‾‾‾_______________      step_q, first entry of every bank
//   write_i      _________________‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾      a row of entries, and the next one made
//
// A lookup's entry is there in the cycle after its address.
`default_nettype none

module lut_table #(
  parameter GROUP        = 5,
  parameter BANKS        = 4,
  parameter ROW_BITS     = 5,
  parameter ENTRY_BITS   = 11,
  parameter COLUMNS      = 8,
  parameter ADDRESS_BITS = 7,
  parameter [BANKS*GROUP-1:0] STEPS = {(BANKS*GROUP){1'b1}}
) (
  input  logic                             clk_i,
  input  logic [GROUP*8-1:0]               inputs_i,
  input  logic                             binary_i,
  input  logic                             clear_i,
  input  logic                             init_i,
  input  logic [GROUP-1:0]                 digit_i,    // which input it is the turn of, one hot
  input  logic [GROUP-1:0]                 step_i,     // which step it makes
  input  logic [BANKS-1:0]                 take_i,     // whether it counts for the bank's first entry, and
  input  logic [BANKS-1:0]                 plus_i,     // positive
  input  logic [BANKS*GROUP-1:0]           grow_i,     // which step leads to the bank's next entry, one hot
  input  logic                             write_i,
  input  logic [ROW_BITS:0]                write_row_i,
  input  logic                             read_half_i,
  input  logic [COLUMNS*ADDRESS_BITS-1:0]  address_i,
  output logic [COLUMNS*ENTRY_BITS-1:0]    entry_o
);
  // The input whose turn it is, and the steps between entries.
  logic [ENTRY_BITS-1:0]       input_now, below_q;
  logic [GROUP*ENTRY_BITS-1:0] step_q;

  always_comb begin
    input_now = 0;
    for (int g = 0; g < GROUP; g = g + 1) begin
      input_now = input_now | ({{(ENTRY_BITS-8){inputs_i[g*8+7]}}, inputs_i[g*8 +: 8]} & {ENTRY_BITS{digit_i[g]}});
    end
  end

  // The digits below lose twice their inputs; a ternary digit grows by its input, a binary one by twice that.
  always_ff @(posedge clk_i) begin
    if (clear_i)     below_q <= 0;
    else if (init_i) below_q <= below_q + input_now;
    for (int g = 0; g < GROUP; g = g + 1) begin
      if (init_i && step_i[g]) begin
        step_q[g*ENTRY_BITS +: ENTRY_BITS] <=
          {below_q[ENTRY_BITS-2:0], 1'b0} - (binary_i ? {input_now[ENTRY_BITS-2:0], 1'b0} : input_now);
      end
    end
  end

  // The next row of entries.
  logic [BANKS*ENTRY_BITS-1:0] row_d, row_q;
  logic [ENTRY_BITS-1:0]       addend;
  logic [ENTRY_BITS:0]         entry_next;

  // One difference adds and subtracts, as in lut_add.
  always_comb begin
    row_d      = 0;
    addend     = 0;
    entry_next = 0;
    for (int bank = 0; bank < BANKS; bank = bank + 1) begin
      addend = input_now & {ENTRY_BITS{take_i[bank]}};
      for (int g = 0; g < GROUP; g = g + 1) begin
        if (STEPS[bank*GROUP + g]) begin
          addend = addend | (step_q[g*ENTRY_BITS +: ENTRY_BITS] & {ENTRY_BITS{grow_i[bank*GROUP + g]}});
        end
      end
      entry_next = {row_q[bank*ENTRY_BITS +: ENTRY_BITS], 1'b0} - {addend ^ {ENTRY_BITS{plus_i[bank]}}, plus_i[bank]};
      row_d[bank*ENTRY_BITS +: ENTRY_BITS] = entry_next[ENTRY_BITS:1];
    end
  end

  always_ff @(posedge clk_i) begin
    if (clear_i) row_q <= 0;
    else         row_q <= row_d;
  end

  // All banks are written and read at the same row: they are one memory, and the bank is chosen behind it.
  logic [COLUMNS*(ROW_BITS+1)-1:0]       read_row;
  logic [COLUMNS*BANKS*ENTRY_BITS-1:0]   found;
  logic [COLUMNS*ENTRY_BITS-1:0]         entry_q;

  always_comb begin
    read_row = 0;
    for (int q = 0; q < COLUMNS; q = q + 1) begin
      read_row[q*(ROW_BITS+1) + ROW_BITS] = read_half_i;
      for (int b = 0; b < ROW_BITS; b = b + 1) begin
        read_row[q*(ROW_BITS+1) + b] = address_i[q*ADDRESS_BITS + b];
      end
    end
  end

  lut_mem #(.WIDTH(BANKS * ENTRY_BITS), .DEPTH(2 << ROW_BITS), .READS(COLUMNS)) u_mem (
    .clk_i,
    .write_enable_i (write_i),
    .write_address_i(write_row_i),
    .write_data_i   (row_q),
    .read_address_i (read_row),
    .read_data_o    (found)
  );

  always_ff @(posedge clk_i) begin
    for (int q = 0; q < COLUMNS; q = q + 1) begin
      entry_q[q*ENTRY_BITS +: ENTRY_BITS] <=
        ENTRY_BITS'(found[q*BANKS*ENTRY_BITS +: BANKS*ENTRY_BITS] >>
                    (ENTRY_BITS * (32'(address_i[q*ADDRESS_BITS +: ADDRESS_BITS]) >> ROW_BITS)));
    end
  end

  logic unused;
  assign unused = ^{entry_next[0], grow_i};

  assign entry_o = entry_q;
endmodule

`default_nettype wire
