// Where the lanes' sums come from and go to. Weighted values are added to the partial outputs in turn, 0 … P − 1 of
// the item's beats each. A rescaled output becomes one more, number P. After it the partial outputs are added up, in
// place, by a tree of neighbours, and in the end number P: that is the item's new output.
//
//   PARTIAL_BITS   bits of an address of partial outputs; beat b of number p is word p · beats + b
//   STATE_BITS     bits of an address of running outputs
//   ADD_LATENCY
//
// An addition of the tree reads its two words one after the other, a level begins when the one before has been
// written. With the last beat of the rescaled output in cycle 0, P = 2 and one beat:
//
//   cycle            0       A + 2    A + 3    2A + 4     2A + 5   2A + 6     2A + 7    3A + 7
//   read_address_o   P       0        1                             0          2
//   again_o                           ‾‾‾                                      ‾‾‾
//   write_enable_o                             (2A + 4) ‾‾‾                             update_o (3A + 8)
`default_nettype none

module attention_sums #(
  parameter PARTIAL_BITS = 4,
  parameter STATE_BITS   = 10,
  parameter ADD_LATENCY  = 4
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,
  input  logic                    value_i,          // a weighted value is there
  input  logic                    rescale_i,        // a rescaled output is there …
  input  logic                    first_i,          // … its first beat …
  input  logic                    last_i,           // … its last
  input  logic [STATE_BITS-1:0]   state_address_i,  // of that beat
  input  logic [PARTIAL_BITS-1:0] beats_i,
  input  logic [PARTIAL_BITS-1:0] partial_words_i,  // P · beats
  input  logic [PARTIAL_BITS-1:0] last_partial_i,   // P · beats − 1
  input  logic [PARTIAL_BITS-1:0] last_sum_i,       // of the lowest level of the tree
  input  logic [3:0]              levels_i,         // log2 P
  output logic [PARTIAL_BITS-1:0] read_address_o,
  output logic                    fresh_o,
  output logic                    again_o,
  output logic                    write_enable_o,
  output logic [PARTIAL_BITS-1:0] write_address_o,
  output logic                    update_o,         // a word of the new output is there …
  output logic                    update_first_o,   // … the item's first
  output logic [STATE_BITS-1:0]   update_address_o
);
  localparam WAIT_BITS = $clog2(ADD_LATENCY + 1) + 1;

  // ---- Weighted values and rescaled outputs
  logic [PARTIAL_BITS-1:0] partial_q, rescale_q;
  logic                    fresh_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || (rescale_i && last_i)) begin
      partial_q <= 0;
      fresh_q <= 1'b1;
    end else if (value_i) begin
      if (partial_q == last_partial_i) begin
        partial_q <= 0;
        fresh_q <= 1'b0;
      end else begin
        partial_q <= partial_q + 1'b1;
      end
    end
    rescale_q <= rescale_i ? rescale_q + 1'b1 : partial_words_i;
  end

  // ---- The tree. Of a sum the even word is read first, then the odd one. Where the next words are, and whether a value
  // was added to them, is made ready a cycle ahead.
  logic                    active_q, odd_q, partly_q, waited, reading, update, last_beat, last_sum;
  logic                    even_beyond_q, pair_beyond_q;
  logic [WAIT_BITS-1:0]    wait_q;
  logic [3:0]              levels_q;
  logic [PARTIAL_BITS-1:0] even_q, pair_q, next_q, beats_left_q, to_q, last_to_q, used_q, offset;
  logic [STATE_BITS-1:0]   state_q;

  // A wait is over when it has been counted down below 0.
  assign waited    = wait_q[WAIT_BITS-1];
  assign reading   = active_q & waited;
  assign update    = ~|levels_q;
  assign offset    = update ? partial_words_i : beats_i;
  assign last_beat = beats_left_q == 1;
  assign last_sum  = to_q == last_to_q;

  always_ff @(posedge clk_i) begin
    if (rescale_i && last_i) used_q <= partial_q;
    if (rescale_i && first_i) state_q <= state_address_i;
    else if (reading && odd_q && update) state_q <= state_q + 1'b1;

    if (!rst_ni) begin
      active_q <= 1'b0;
    end else if (rescale_i && last_i) begin
      active_q <= 1'b1;
    end else if (reading && odd_q && last_sum && update) begin
      active_q <= 1'b0;
    end

    if (rescale_i && last_i) begin
      wait_q <= ADD_LATENCY[WAIT_BITS-1:0];
      levels_q <= levels_i;
      // What no value was added to counts as +0; after a level there is nothing of that kind.
      partly_q <= fresh_q & (levels_i != 0);
      last_to_q <= last_sum_i;
    end else if (!waited) begin
      wait_q <= wait_q - 1'b1;
    end else if (reading && odd_q && last_sum) begin
      wait_q <= ADD_LATENCY[WAIT_BITS-1:0];
      levels_q <= levels_q - 1'b1;
      partly_q <= 1'b0;
      last_to_q <= levels_q == 4'd1 ? last_to_q : last_to_q >> 1;
    end

    next_q <= (last_beat ? pair_q : even_q) + 1'b1;
    pair_beyond_q <= partly_q & (pair_q >= used_q);
    if (!reading || (odd_q && last_sum)) begin
      odd_q <= 1'b0;
      even_q <= 0;
      pair_q <= offset;
      even_beyond_q <= 1'b0;
      beats_left_q <= beats_i;
      to_q <= 0;
    end else begin
      odd_q <= ~odd_q;
      if (odd_q) begin
        even_q <= next_q;
        pair_q <= next_q + offset;
        even_beyond_q <= partly_q & (next_q >= used_q);
        beats_left_q <= last_beat ? beats_i : beats_left_q - 1'b1;
        to_q <= to_q + 1'b1;
      end
    end
  end

  // ---- Reads, and what becomes of the sum ADD_LATENCY + 1 cycles later
  logic                    write, updating;
  logic [PARTIAL_BITS-1:0] write_address;

  always_comb begin
    read_address_o = rescale_i ? rescale_q : partial_q;
    fresh_o = rescale_i | fresh_q;
    again_o = 1'b0;
    write = value_i | rescale_i;
    write_address = read_address_o;
    updating = 1'b0;
    if (reading) begin
      read_address_o = odd_q ? pair_q : even_q;
      fresh_o = odd_q ? pair_beyond_q : even_beyond_q;
      again_o = odd_q;
      write = odd_q & ~update;
      write_address = to_q;
      updating = odd_q & update;
    end
  end

  delay_valid #(.WIDTH(2), .CYCLES(ADD_LATENCY + 1)) u_valid (
    .clk_i(clk_i), .rst_ni(rst_ni), .d_i({write, updating}), .q_o({write_enable_o, update_o})
  );
  delay #(.WIDTH(PARTIAL_BITS + STATE_BITS + 1), .CYCLES(ADD_LATENCY + 1)) u_address (
    .clk_i(clk_i),
    .d_i({write_address, state_q, to_q == 0}),
    .q_o({write_address_o, update_address_o, update_first_o})
  );
endmodule

`default_nettype wire
