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
  logic [COUNT_BITS-1:0] count_q, count_d;
  logic                  full_q, empty_q;

  always_comb begin
    count_d = count_q;
    if (push_i && !pop_i) count_d = count_q + 1'b1;
    if (pop_i && !push_i) count_d = count_q - 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      count_q <= '0;
      full_q  <= 1'b0;
      empty_q <= 1'b1;
    end else begin
      count_q <= count_d;
      full_q  <= count_d == COUNT_BITS'(DEPTH);
      empty_q <= count_d == '0;
    end
  end

  generate
    if (DEPTH == 1) begin : g_head_only
      always_ff @(posedge clk_i) begin
        if (push_i) head_q <= data_i;
      end
    end else begin : g_memory
      // Everything behind the head.
      localparam BEHIND       = DEPTH - 1;
      localparam ADDRESS_BITS = BEHIND > 1 ? $clog2(BEHIND) : 1;
      localparam LAST         = BEHIND - 1;

      logic [ADDRESS_BITS-1:0] write_q, read_q;
      logic [WIDTH-1:0]        behind;
      logic                    one_q;
      logic                    to_head, to_memory, from_memory;

      assign to_head     = push_i && (empty_q || (one_q && pop_i));
      assign to_memory   = push_i && !to_head;
      assign from_memory = pop_i && !one_q;

      mem_distributed #(.WIDTH(WIDTH), .DEPTH(BEHIND)) u_memory (
        .clk_i,
        .write_enable_i (to_memory),
        .write_address_i(write_q),
        .write_data_i   (data_i),
        .read_address_i (read_q),
        .read_data_o    (behind)
      );

      always_ff @(posedge clk_i) begin
        if (!rst_ni) begin
          write_q <= '0;
          read_q  <= '0;
          one_q   <= 1'b0;
        end else begin
          one_q <= count_d == COUNT_BITS'(1);
          if (to_memory)   write_q <= write_q == ADDRESS_BITS'(LAST) ? '0 : write_q + 1'b1;
          if (from_memory) read_q  <= read_q == ADDRESS_BITS'(LAST) ? '0 : read_q + 1'b1;
        end
        if (to_head)          head_q <= data_i;
        else if (from_memory) head_q <= behind;
      end
    end
  endgenerate

  assign data_o  = head_q;
  assign full_o  = full_q;
  assign empty_o = empty_q;
  assign count_o = count_q;
endmodule

`default_nettype wire
