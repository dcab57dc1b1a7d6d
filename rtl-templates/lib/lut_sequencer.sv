// Tells every `lut_table` what to do while the tables of a block are built; the same for all of them.
//
//   GROUP, BANKS, ROW_BITS       as for lut_table
//   TERNARY_ROWS, BINARY_ROWS    rows that are written
//   TERNARY_STARTS, BINARY_STARTS   first index of each bank: 2·GROUP bits per bank, lut_counter's digits
//
// A block takes GROUP + rows cycles: one for every input, then one for every row. The next one may be announced
// GROUP + rows cycles later; the halves of the tables are filled in turn, the first half after `restart_i`.
//
//   cycle       0    1    2 … G+1   … G+1+rows
//   prepare_i   ‾‾‾‾‾______________________________
//   clear_o     _____‾‾‾‾‾_________________________     the inputs of the block are there from cycle 2 on
//   init_o      __________‾‾‾‾‾‾‾‾‾________________
//   write_o     ___________________‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾
`default_nettype none

module lut_sequencer #(
  parameter                     GROUP          = 5,
  parameter                     BANKS          = 4,
  parameter                     ROW_BITS       = 5,
  parameter                     TERNARY_ROWS   = 32,
  parameter                     BINARY_ROWS    = 4,
  parameter [BANKS*2*GROUP-1:0] TERNARY_STARTS = 0,
  parameter [BANKS*2*GROUP-1:0] BINARY_STARTS  = 0
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  input  logic                   restart_i,
  input  logic                   prepare_i,
  input  logic                   binary_i,
  output logic                   clear_o,
  output logic                   init_o,
  output logic [GROUP-1:0]       digit_o,
  output logic [GROUP-1:0]       step_o,
  output logic [BANKS-1:0]       take_o,
  output logic [BANKS-1:0]       plus_o,
  output logic [BANKS*GROUP-1:0] grow_o,
  output logic                   write_o,
  output logic [ROW_BITS:0]      write_row_o
);
  localparam COUNT_BITS = $clog2(GROUP + TERNARY_ROWS + BINARY_ROWS + 1);

  // This cycle's place in the block, one ahead of what the tables do.
  logic                  active_q;
  logic [COUNT_BITS-1:0] count_q, last;
  logic                  rotate;

  assign last   = binary_i ? COUNT_BITS'(GROUP + BINARY_ROWS - 1) : COUNT_BITS'(GROUP + TERNARY_ROWS - 1);
  assign rotate = count_q < COUNT_BITS'(GROUP);

  always_ff @(posedge clk_i) begin
    if (!rst_ni)              active_q <= 1'b0;
    else if (prepare_i)       active_q <= 1'b1;
    else if (count_q == last) active_q <= 1'b0;
    if (prepare_i) count_q <= 0;
    else           count_q <= count_q + 1'b1;
  end

  logic [BANKS-1:0]       plus, minus;
  logic [BANKS*GROUP-1:0] grow;

  generate
    for (genvar bank = 0; bank < BANKS; bank = bank + 1) begin : g_bank
      lut_counter #(
        .GROUP        (GROUP),
        .TERNARY_START(TERNARY_STARTS[bank*2*GROUP +: 2*GROUP]),
        .BINARY_START (BINARY_STARTS[bank*2*GROUP +: 2*GROUP])
      ) u_counter (
        .clk_i,
        .load_i  (prepare_i),
        .binary_i,
        .rotate_i(rotate),
        .plus_o  (plus[bank]),
        .minus_o (minus[bank]),
        .grow_o  (grow[bank*GROUP +: GROUP])
      );
    end
  endgenerate

  logic                   init_q, write_q, half_q;
  logic [GROUP-1:0]       digit_q, step_q;
  logic [BANKS-1:0]       take_q, plus_q;
  logic [BANKS*GROUP-1:0] grow_q;
  logic [ROW_BITS:0]      row_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      init_q  <= 1'b0;
      write_q <= 1'b0;
    end else begin
      init_q  <= active_q && rotate;
      write_q <= active_q && !rotate;
    end
    if (restart_i)    half_q <= 1'b1;
    else if (clear_o) half_q <= !half_q;
    // The least significant digit comes first: ternary the last input, binary the first one.
    for (int g = 0; g < GROUP; g = g + 1) begin
      digit_q[g] <= count_q == COUNT_BITS'(binary_i ? g : GROUP - 1 - g);
      step_q[g]  <= count_q == COUNT_BITS'(g);
    end
    take_q  <= rotate ? plus | minus : {BANKS{1'b0}};
    plus_q  <= rotate ? plus : {BANKS{1'b0}};
    grow_q  <= rotate ? {(BANKS*GROUP){1'b0}} : grow;
    row_q   <= (ROW_BITS+1)'(count_q - COUNT_BITS'(GROUP));
  end

  assign clear_o     = active_q && count_q == 0;
  assign init_o      = init_q;
  assign digit_o     = digit_q;
  assign step_o      = step_q;
  assign take_o      = take_q;
  assign plus_o      = plus_q;
  assign grow_o      = grow_q;
  assign write_o     = write_q;

  // The half takes the place of the count's next bit.
  always_comb begin
    write_row_o           = row_q;
    write_row_o[ROW_BITS] = half_q;
  end
endmodule

`default_nettype wire
