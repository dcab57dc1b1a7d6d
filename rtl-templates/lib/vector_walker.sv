// Addresses of the vector unit's beats, in units of a beat: one or two streams that step through rows together.
//
//   ADDRESS_BITS   bits of an address
//
// The second stream lies offset_i behind the first. A step moves both by one beat; at the end of a head both jump behind
// the second stream (which was the head's upper half), at the end of a row to the row that pitch_i is away. The second
// address follows the first one cycle later.
//
//   clk        ‾\_/‾\_/‾\_/‾\_/‾\_/‾
//   load_i     ‾‾‾\________________
//   first_o    ---< B     >< B+1   >     step_i is high in the last cycle in which B is shown
//   second_o   -------< B+O   >< B+1+O   in its first cycle second_i, if second_load_i comes in the one before
`default_nettype none

module vector_walker #(
  parameter ADDRESS_BITS = 16
) (
  input  logic                    clk_i,
  input  logic                    load_i,         // the next row begins at base_i
  input  logic [ADDRESS_BITS-1:0] base_i,
  input  logic                    second_load_i,  // one cycle after load_i: the second stream begins at second_i
  input  logic [ADDRESS_BITS-1:0] second_i,
  input  logic                    step_i,
  input  logic                    head_end_i,     // with step_i
  input  logic                    row_end_i,      // with step_i; wins over head_end_i
  input  logic [ADDRESS_BITS-1:0] pitch_i,
  input  logic [ADDRESS_BITS-1:0] offset_i,       // from the cycle after load_i on, with second_load_i from the next one
  output logic [ADDRESS_BITS-1:0] first_o,
  output logic [ADDRESS_BITS-1:0] second_o
);
  localparam [ADDRESS_BITS-1:0] ONE = 1;

  logic [ADDRESS_BITS-1:0] row_q, first_q, second_q, next_row, next_beat;

  assign next_row  = row_q + pitch_i;
  assign next_beat = (head_end_i ? second_o : first_q) + ONE;

  always_ff @(posedge clk_i) begin
    if (load_i)                   row_q <= base_i;
    else if (step_i && row_end_i) row_q <= next_row;

    if (load_i)      first_q <= base_i;
    else if (step_i) first_q <= row_end_i ? next_row : next_beat;

    second_q <= second_load_i ? second_i : first_q + offset_i;
  end

  assign first_o  = first_q;
  assign second_o = second_q;
endmodule

`default_nettype wire
