// Addresses of the vector unit's beats, in units of a beat: one or two streams that step through rows together.
//
//   ADDRESS_BITS   bits of an address
//
// The second stream lies offset_i behind the first. A step moves both by one beat; at the end of a head both jump behind
// the second stream (which was the head's upper half), at the end of a row to the row that pitch_i is away.
//
//   clk        ‾\_/‾\_/‾\_/‾\_/‾
//   load_i     ‾‾‾\____________
//   first_o    ---< B >< B+1 ><      if step_i is high in the cycle in which B is shown
//   second_o   ---<B+O><B+O+1><
`default_nettype none

module vector_walker #(
  parameter ADDRESS_BITS = 16
) (
  input  logic                    clk_i,
  input  logic                    load_i,      // the next row begins at base_i
  input  logic [ADDRESS_BITS-1:0] base_i,
  input  logic                    step_i,
  input  logic                    head_end_i,  // with step_i
  input  logic                    row_end_i,   // with step_i; wins over head_end_i
  input  logic [ADDRESS_BITS-1:0] pitch_i,
  input  logic [ADDRESS_BITS-1:0] offset_i,    // from the cycle after load_i on
  output logic [ADDRESS_BITS-1:0] first_o,
  output logic [ADDRESS_BITS-1:0] second_o
);
  localparam [ADDRESS_BITS-1:0] ONE = 1;

  logic [ADDRESS_BITS-1:0] row_q, row_d, first_q, first_d, next_row;

  assign next_row = row_q + pitch_i;
  assign first_o  = first_q;
  assign second_o = first_q + offset_i;

  always_comb begin
    row_d   = row_q;
    first_d = first_q;
    if (step_i) begin
      first_d = (head_end_i ? second_o : first_q) + ONE;
      if (row_end_i) begin
        row_d   = next_row;
        first_d = next_row;
      end
    end
    if (load_i) begin
      row_d   = base_i;
      first_d = base_i;
    end
  end

  always_ff @(posedge clk_i) begin
    row_q   <= row_d;
    first_q <= first_d;
  end
endmodule

`default_nettype wire
