// A queue with registered outputs; its oldest word is visible without asking.
//
//   WIDTH, DEPTH   bits of a word, words that fit
//
// A word pushed in cycle c into an empty queue is at data_o in c + 1; after a pop in cycle c the next word is at data_o
// in c + 1. full_o, empty_o and count_o change in the cycle after a push or pop. Pushing into a full queue and popping
// an empty one are the user's errors.
//
//   cycle     0    1    2    3    4
//   push_i    ‾‾‾‾‾‾‾‾‾‾_____________
//   data_i    A    B
//   data_o         A    A    B
//   pop_i     __________‾‾‾‾‾‾‾‾‾‾___
//   empty_o   ‾‾‾‾‾_______________‾‾‾
`default_nettype none

module fifo #(
  parameter WIDTH = 8,
  parameter DEPTH = 4,
  parameter COUNT_BITS = $clog2(DEPTH + 1)
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic                  push_i,
  input  logic [WIDTH-1:0]      data_i,
  output logic                  full_o,
  input  logic                  pop_i,
  output logic [WIDTH-1:0]      data_o,
  output logic                  empty_o,
  output logic [COUNT_BITS-1:0] count_o
);
  // The oldest word has a register of its own, so that a long queue costs its user no memory access time.
  logic [WIDTH-1:0]      head_q;
  logic [COUNT_BITS-1:0] count_q;
  logic                  full_q, empty_q, one_q;

  // `pop_i` comes late: it only enables a change, or chooses between two answers that are ready.
  logic full_kept, one_kept, one_popped;

  assign full_kept  = push_i ? count_q == COUNT_BITS'(DEPTH - 1) : full_q;
  assign one_kept   = push_i ? empty_q : one_q;
  assign one_popped = push_i ? one_q : count_q == COUNT_BITS'(2);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      count_q <= '0;
      full_q  <= 1'b0;
      empty_q <= 1'b1;
      one_q   <= 1'b0;
    end else begin
      if (push_i != pop_i) count_q <= push_i ? count_q + 1'b1 : count_q - 1'b1;
      full_q  <= pop_i ? push_i && full_q : full_kept;
      empty_q <= !push_i && (pop_i ? one_q : empty_q);
      one_q   <= pop_i ? one_popped : one_kept;
    end
  end

  generate
    if (DEPTH == 1) begin : g_head_only
      always_ff @(posedge clk_i) begin
        if (push_i) head_q <= data_i;
      end
    end else begin : g_memory
      // Every word goes through the memory, even one that is the head at once, so that only a pop moves `read_q`,
      // which is the place of the word behind the head.
      localparam ADDRESS_BITS = $clog2(DEPTH);

      logic [ADDRESS_BITS-1:0] write_q, read_q;
      logic [WIDTH-1:0]        behind, head_kept, head_popped;

      // With nothing behind it the head is followed by what is pushed, if anything is. AND and OR instead of a choice
      // keep `pop_i` out of a clock enable: as a LUT's fastest input it may come later.
      assign head_kept   = empty_q ? data_i : head_q;
      assign head_popped = one_q ? data_i : behind;

      mem_distributed #(.WIDTH(WIDTH), .DEPTH(DEPTH)) u_memory (
        .clk_i,
        .write_enable_i (push_i),
        .write_address_i(write_q),
        .write_data_i   (data_i),
        .read_address_i (read_q),
        .read_data_o    (behind)
      );

      always_ff @(posedge clk_i) begin
        if (!rst_ni) begin
          write_q <= '0;
          read_q  <= ADDRESS_BITS'(1);
        end else begin
          if (push_i) write_q <= write_q == ADDRESS_BITS'(DEPTH - 1) ? '0 : write_q + 1'b1;
          if (pop_i)  read_q  <= read_q == ADDRESS_BITS'(DEPTH - 1) ? '0 : read_q + 1'b1;
        end
        head_q <= ({WIDTH{pop_i}} & head_popped) | ({WIDTH{!pop_i}} & head_kept);
      end
    end
  endgenerate

  assign data_o  = head_q;
  assign full_o  = full_q;
  assign empty_o = empty_q;
  assign count_o = count_q;
endmodule

`default_nettype wire
