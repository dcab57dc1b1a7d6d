// A memory with two ports, each of which reads or writes: an UltraRAM shared by two columns.
//
//   WIDTH, DEPTH   bits of a word, words
//   LANE_WIDTH     bits that one write enable covers; WIDTH is a multiple of it
//
// A port that writes does not read. An address given in cycle c brings its word in c + 2; a word written in cycle c is
// read by an address given in c + 1.
`default_nettype none

module mem_pair #(
  parameter WIDTH        = 72,
  parameter DEPTH        = 4096,
  parameter LANE_WIDTH   = WIDTH,
  parameter LANES        = WIDTH / LANE_WIDTH,
  parameter ADDRESS_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
  input  logic                    clk_i,
  input  logic [LANES-1:0]        a_write_enable_i,
  input  logic                    a_read_enable_i,
  input  logic [ADDRESS_BITS-1:0] a_address_i,
  input  logic [WIDTH-1:0]        a_write_data_i,
  output logic [WIDTH-1:0]        a_read_data_o,
  input  logic [LANES-1:0]        b_write_enable_i,
  input  logic                    b_read_enable_i,
  input  logic [ADDRESS_BITS-1:0] b_address_i,
  input  logic [WIDTH-1:0]        b_write_data_i,
  output logic [WIDTH-1:0]        b_read_data_o
);
  (* ram_style = "ultra" *)
  logic [WIDTH-1:0] mem [0:DEPTH-1];
  logic [WIDTH-1:0] a_read_q, a_output_q, b_read_q, b_output_q;

  always_ff @(posedge clk_i) begin
    for (int lane = 0; lane < LANES; lane = lane + 1) begin
      if (a_write_enable_i[lane]) begin
        mem[a_address_i][lane*LANE_WIDTH +: LANE_WIDTH] <= a_write_data_i[lane*LANE_WIDTH +: LANE_WIDTH];
      end
    end
    if (a_write_enable_i == 0 && a_read_enable_i) a_read_q <= mem[a_address_i];
    a_output_q <= a_read_q;

    for (int lane = 0; lane < LANES; lane = lane + 1) begin
      if (b_write_enable_i[lane]) begin
        mem[b_address_i][lane*LANE_WIDTH +: LANE_WIDTH] <= b_write_data_i[lane*LANE_WIDTH +: LANE_WIDTH];
      end
    end
    if (b_write_enable_i == 0 && b_read_enable_i) b_read_q <= mem[b_address_i];
    b_output_q <= b_read_q;
  end

  assign a_read_data_o = a_output_q;
  assign b_read_data_o = b_output_q;
endmodule

`default_nettype wire
