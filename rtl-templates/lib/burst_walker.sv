// Cuts a stream of rows into AXI bursts: a burst ends with its row, at a multiple of 4096 bytes, or after BURST_BEATS.
//
//   PORT_BYTES    bytes of a beat
//   BURST_BEATS   longest burst
//   BEATS_BITS    bits of the beats of a row
//   ROWS_BITS     bits of the number of rows
//   LAST_APART    1: the last row lies where last_address_i says and has last_beats_i. These two are read from the
//                 cycle after the start on, and only if there are two rows or more.
//
// Addresses and strides are multiples of PORT_BYTES. Rows and beats of a row are at least 1. The first burst is there
// two cycles after the start, each next one in the cycle after `next_i`.
//
//   cycle      0    1    2    3    4    5    6
//   start_i    ‾‾‾‾‾______________________________
//   valid_o    __________‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾_____
//   address_o            A    A    B    C    C
//   next_i     _______________‾‾‾‾‾‾‾‾‾‾_____‾‾‾‾‾
//   last_o     ____________________‾‾‾‾‾‾‾‾‾‾_____
`default_nettype none

module burst_walker #(
  parameter PORT_BYTES  = 16,
  parameter BURST_BEATS = 64,
  parameter BEATS_BITS  = 28,
  parameter ROWS_BITS   = 32,
  parameter LAST_APART  = 0
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic                  start_i,
  input  logic [31:0]           address_i,
  input  logic [BEATS_BITS-1:0] row_beats_i,
  input  logic [ROWS_BITS-1:0]  rows_i,
  input  logic [31:0]           stride_i,
  input  logic [31:0]           last_address_i,
  input  logic [BEATS_BITS-1:0] last_beats_i,
  input  logic                  next_i,
  output logic                  valid_o,
  output logic [31:0]           address_o,
  output logic [8:0]            beats_o,
  output logic                  last_o
);
  localparam LOW        = $clog2(PORT_BYTES);
  localparam PLACE_BITS = 32 - LOW;                 // an address, in beats
  localparam PAGE_BITS  = 12 - LOW;                 // place of a beat in its page
  localparam PAGE_BEATS = 1 << PAGE_BITS;
  localparam COUNT_BITS = PAGE_BITS + 1;            // beats of a page
  localparam LIMIT      = BURST_BEATS < PAGE_BEATS ? BURST_BEATS : PAGE_BEATS;

  logic                  valid_q, prepare_q;
  logic [PLACE_BITS-1:0] address_q, next_row_q, stride_q;
  logic [BEATS_BITS-1:0] row_beats_q, left_q;       // beats of a row, and of it those that are not asked for yet
  logic [ROWS_BITS-1:0]  rows_q;                    // rows after this one
  logic                  ends_row_q, last_row_q;
  logic                  to_last;                   // the row behind the next one is the last, and lies elsewhere
  // What the burst may have; what it and the one behind it may have together; beats to the page's end behind it.
  logic [COUNT_BITS-1:0] limit_q, ahead_q;
  logic [COUNT_BITS:0]   reach_q;

  // With so many beats to the end of the page: the limits of a burst, and how many beats are left behind it. A burst
  // that does not end the page leaves its rest.
  function [COUNT_BITS-1:0] limited(input [COUNT_BITS-1:0] left);
    limited = 32'(left) < LIMIT ? left : COUNT_BITS'(LIMIT);
  endfunction

  function [COUNT_BITS:0] reached(input [COUNT_BITS-1:0] left);
    reached = (COUNT_BITS+1)'(left);
    if (32'(left) > 2 * LIMIT) reached = (COUNT_BITS+1)'(2 * LIMIT);
    if (32'(left) <= LIMIT)    reached = (COUNT_BITS+1)'(left) + (COUNT_BITS+1)'(LIMIT);
  endfunction

  function [COUNT_BITS-1:0] behind(input [COUNT_BITS-1:0] left);
    behind = 32'(left) <= LIMIT ? COUNT_BITS'(PAGE_BEATS) : left - COUNT_BITS'(LIMIT);
  endfunction

  // A row of one burst: not longer than a burst, and its end is in its first beat's page.
  logic                  next_row;
  logic [PAGE_BITS-1:0]  row_place, row_rest_q;       // of the next row: its place in its page, and minus that
  logic [COUNT_BITS-1:0] row_left, row_room, page_left;
  logic                  row_ends;

  assign next_row  = prepare_q || (next_i && ends_row_q);
  assign to_last   = LAST_APART == 1 && rows_q == ROWS_BITS'(2);
  assign row_place = next_row_q[PAGE_BITS-1:0];
  assign row_left  = {row_rest_q == '0, row_rest_q};
  assign row_room  = COUNT_BITS'(row_place) + COUNT_BITS'(row_beats_q) - 1'b1;
  assign row_ends  = 32'(row_beats_q) <= LIMIT && !row_room[PAGE_BITS];
  assign page_left = prepare_q || ends_row_q ? row_left : ahead_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      prepare_q <= 1'b0;
      valid_q   <= 1'b0;
    end else begin
      prepare_q <= start_i;
      if (prepare_q)   valid_q <= 1'b1;
      else if (next_i) valid_q <= !last_o;
    end
  end

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      next_row_q  <= address_i[31:LOW];
      row_rest_q  <= -address_i[11:LOW];
      stride_q    <= stride_i[31:LOW];
      row_beats_q <= row_beats_i;
      rows_q      <= rows_i;
    end else if (next_row) begin
      next_row_q <= to_last ? last_address_i[31:LOW] : next_row_q + stride_q;
      row_rest_q <= to_last ? -last_address_i[11:LOW] : row_rest_q - stride_q[PAGE_BITS-1:0];
      if (to_last) row_beats_q <= last_beats_i;
      rows_q     <= rows_q - 1'b1;
      last_row_q <= rows_q == ROWS_BITS'(1);
    end
    if (next_row || next_i) begin
      limit_q <= limited(page_left);
      reach_q <= reached(page_left);
      ahead_q <= behind(page_left);
    end
    if (next_row) begin
      address_q  <= next_row_q;
      left_q     <= row_beats_q;
      ends_row_q <= row_ends;
    end else if (next_i) begin
      address_q  <= address_q + PLACE_BITS'(limit_q);
      left_q     <= left_q - BEATS_BITS'(limit_q);
      ends_row_q <= 32'(left_q) <= 32'(reach_q);
    end
  end

  assign valid_o   = valid_q;
  assign address_o = {address_q, {LOW{1'b0}}};
  assign beats_o   = ends_row_q ? 9'(left_q) : 9'(limit_q);
  assign last_o    = ends_row_q && last_row_q;

  // The low bits of addresses are zero by contract.
  logic unused;
  assign unused = ^{address_i[LOW-1:0], stride_i[LOW-1:0], last_address_i, last_beats_i};
endmodule

`default_nettype wire
