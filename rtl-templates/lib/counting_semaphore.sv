// A counting semaphore, 0 to 255, from 0.
//
// A count posted in cycle c can be taken from c + 1 on; available_o is a register. Taking what is not there and posting
// past 255 are errors of the program. A post and a take in one cycle leave the count as it is.
`default_nettype none

module counting_semaphore (
  input  logic clk_i,
  input  logic rst_ni,
  input  logic post_i,
  input  logic take_i,
  output logic available_o
);
  logic [7:0] count_q;
  logic       available_q;

  // `take_i` comes late: it only enables a change, or chooses between two answers that are ready.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      count_q     <= 8'd0;
      available_q <= 1'b0;
    end else begin
      if (post_i != take_i) count_q <= count_q + (post_i ? 8'd1 : 8'hff);
      available_q <= post_i || (take_i ? count_q[7:1] != 7'd0 : available_q);
    end
  end

  assign available_o = available_q;
endmodule

`default_nettype wire
