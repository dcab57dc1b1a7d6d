// Walks rows beat by beat: where a beat lies in a buffer, and which of its bytes the row has.
//
//   PORT_BYTES      bytes of a beat
//   POSITION_BITS   bits of a position; positions and the pitch count beats
//   ROW_BITS        bits of the bytes of a row
//   ROWS_BITS       bits of the number of rows
//
// Rows and bytes of a row are at least 1. The first beat is there in the cycle after the start, each next one in the
// cycle after `step_i`.
//
//   PORT_BYTES = 4, 6 bytes a row, pitch 3
//   cycle        0    1    2    3    4    5
//   start_i      ‾‾‾‾‾_________________________
//   step_i       _____‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾_____
//   position_o        p   p+1  p+3  p+4
//   strobe_o          1111 0011 1111 0011
//   last_o       ____________________‾‾‾‾‾_____
`default_nettype none

module row_cursor #(
  parameter PORT_BYTES    = 16,
  parameter POSITION_BITS = 16,
  parameter ROW_BITS      = 20,
  parameter ROWS_BITS     = 16
) (
  input  logic                          clk_i,
  input  logic                          rst_ni,
  input  logic                          start_i,
  input  logic [POSITION_BITS-1:0]      position_i,
  input  logic [ROW_BITS-1:0]           row_bytes_i,
  input  logic [ROWS_BITS-1:0]          rows_i,
  input  logic [POSITION_BITS-1:0]      pitch_i,
  input  logic                          step_i,
  output logic                          valid_o,      // there are beats left
  output logic [POSITION_BITS-1:0]      position_o,
  output logic [PORT_BYTES-1:0]         strobe_o,
  output logic [$clog2(PORT_BYTES):0]   bytes_o,      // the number of ones in it
  output logic                          last_o
);
  localparam COUNT_BITS = $clog2(PORT_BYTES) + 1;

  logic                     valid_q;
  logic [POSITION_BITS-1:0] position_q, next_row_q, pitch_q;
  logic [ROW_BITS-1:0]      row_bytes_q, left_q;
  logic [ROWS_BITS-1:0]     rows_q;
  logic                     last_row_q;
  logic                     ends_row;

  assign ends_row = 32'(left_q) <= PORT_BYTES;

  always_ff @(posedge clk_i) begin
    if (!rst_ni)      valid_q <= 1'b0;
    else if (start_i) valid_q <= 1'b1;
    else if (step_i)  valid_q <= !last_o;
  end

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      position_q  <= position_i;
      next_row_q  <= position_i + pitch_i;
      pitch_q     <= pitch_i;
      row_bytes_q <= row_bytes_i;
      left_q      <= row_bytes_i;
      rows_q      <= rows_i;
      last_row_q  <= rows_i == ROWS_BITS'(1);
    end else if (step_i) begin
      if (ends_row) begin
        position_q <= next_row_q;
        next_row_q <= next_row_q + pitch_q;
        left_q     <= row_bytes_q;
        rows_q     <= rows_q - 1'b1;
        last_row_q <= rows_q == ROWS_BITS'(2);
      end else begin
        position_q <= position_q + 1'b1;
        left_q     <= left_q - ROW_BITS'(PORT_BYTES);
      end
    end
  end

  assign bytes_o = ends_row ? COUNT_BITS'(left_q) : COUNT_BITS'(PORT_BYTES);

  always_comb begin
    for (int lane = 0; lane < PORT_BYTES; lane = lane + 1) strobe_o[lane] = lane < 32'(bytes_o);
  end

  assign valid_o    = valid_q;
  assign position_o = position_q;
  assign last_o     = ends_row && last_row_q;
endmodule

`default_nettype wire
