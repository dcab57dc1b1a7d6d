// Cuts a stream of rows into AXI bursts: a burst ends with its row, at a multiple of 4096 bytes, or after BURST_BEATS.
//
//   PORT_BYTES    bytes of a beat
//   BURST_BEATS   longest burst
//   ROW_BITS      bits of the bytes of a row
//   ROWS_BITS     bits of the number of rows
//
// Addresses and strides are multiples of PORT_BYTES; a row may end inside a beat. Rows and bytes of a row are at least 1.
// The first burst is there in the cycle after the start, each next one in the cycle after `next_i`.
//
//   cycle      0    1    2    3    4    5
//   start_i    ‾‾‾‾‾_________________________
//   valid_o    _____‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾_____
//   address_o       A    A    B    C    C
//   next_i     __________‾‾‾‾‾‾‾‾‾‾_____‾‾‾‾‾
//   last_o     _______________‾‾‾‾‾‾‾‾‾‾_____
`default_nettype none

module burst_walker #(
  parameter PORT_BYTES  = 16,
  parameter BURST_BEATS = 64,
  parameter ROW_BITS    = 32,
  parameter ROWS_BITS   = 32
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  input  logic                 start_i,
  input  logic [31:0]          address_i,
  input  logic [ROW_BITS-1:0]  row_bytes_i,
  input  logic [ROWS_BITS-1:0] rows_i,
  input  logic [31:0]          stride_i,
  input  logic                 next_i,
  output logic                 valid_o,
  output logic [31:0]          address_o,
  output logic [8:0]           beats_o,
  output logic                 last_o
);
  localparam LOW        = $clog2(PORT_BYTES);
  localparam BEAT_BITS  = 32 - LOW;                 // an address, in beats
  localparam LEFT_BITS  = ROW_BITS > LOW ? ROW_BITS - LOW + 1 : 2;
  localparam PAGE_BITS  = 12 - LOW;                 // place of a beat in its page
  localparam PAGE_BEATS = 1 << PAGE_BITS;
  localparam LIMIT_BITS = PAGE_BITS + 1;

  logic                  valid_q;
  logic [BEAT_BITS-1:0]  address_q, next_row_q, stride_q;
  logic [LEFT_BITS-1:0]  row_beats_q, left_q;       // beats of a row, and of it those that are not asked for yet
  logic [ROWS_BITS-1:0]  rows_q;                    // this row and those after it
  logic                  last_row_q;

  // Beats to the end of the page, and what a burst may have of them, of the present place and of the one that follows.
  logic [LIMIT_BITS-1:0] page_left_q, limit_q;
  logic [LIMIT_BITS-1:0] start_left, row_left, on_left;
  logic [LEFT_BITS-1:0]  row_beats;
  logic                  ends_row;

  // A beat in part counts whole.
  assign row_beats = LEFT_BITS'((32'(row_bytes_i) + PORT_BYTES - 1) >> LOW);

  // A burst that its limit ends goes up to the end of the page, or leaves the rest of it.
  assign start_left = LIMIT_BITS'(PAGE_BEATS) - LIMIT_BITS'(address_i[11:LOW]);
  assign row_left   = LIMIT_BITS'(PAGE_BEATS) - LIMIT_BITS'(next_row_q[PAGE_BITS-1:0]);
  assign on_left    = page_left_q == limit_q ? LIMIT_BITS'(PAGE_BEATS) : page_left_q - limit_q;

  function [LIMIT_BITS-1:0] limited(input [LIMIT_BITS-1:0] left);
    limited = 32'(left) < BURST_BEATS ? left : LIMIT_BITS'(BURST_BEATS);
  endfunction

  assign ends_row = 32'(left_q) <= 32'(limit_q);

  always_ff @(posedge clk_i) begin
    if (!rst_ni)      valid_q <= 1'b0;
    else if (start_i) valid_q <= 1'b1;
    else if (next_i)  valid_q <= !last_o;
  end

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      page_left_q <= start_left;
      limit_q     <= limited(start_left);
      address_q   <= address_i[31:LOW];
      next_row_q  <= address_i[31:LOW] + stride_i[31:LOW];
      stride_q    <= stride_i[31:LOW];
      row_beats_q <= row_beats;
      left_q      <= row_beats;
      rows_q      <= rows_i;
      last_row_q  <= rows_i == ROWS_BITS'(1);
    end else if (next_i) begin
      if (ends_row) begin
        page_left_q <= row_left;
        limit_q     <= limited(row_left);
        address_q   <= next_row_q;
        next_row_q  <= next_row_q + stride_q;
        left_q      <= row_beats_q;
        rows_q      <= rows_q - 1'b1;
        last_row_q  <= rows_q == ROWS_BITS'(2);
      end else begin
        page_left_q <= on_left;
        limit_q     <= limited(on_left);
        address_q   <= address_q + BEAT_BITS'(limit_q);
        left_q      <= left_q - LEFT_BITS'(limit_q);
      end
    end
  end

  assign valid_o   = valid_q;
  assign address_o = {address_q, {LOW{1'b0}}};
  assign beats_o   = ends_row ? 9'(left_q) : 9'(limit_q);
  assign last_o    = ends_row && last_row_q;

  // The low bits of addresses are zero by contract.
  logic unused;
  assign unused = ^{address_i[LOW-1:0], stride_i[LOW-1:0], 1'b0};
endmodule

`default_nettype wire
