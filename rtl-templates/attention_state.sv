// A block memory of state words, one write and one read port, without a mux behind its block RAMs: it is cut into banks,
// a bank that was not asked gives 0, and the word is the OR of them.
//
//   WIDTH, DEPTH   bits of a word, words
//   BANK           words of a bank, a power of two: what a block RAM has at its full width
//
//   read_address_i in cycle 0 → read_data_o in cycle 2. A word written in cycle c is read by an address given in c + 1.
`default_nettype none

module attention_state #(
  parameter WIDTH        = 32,
  parameter DEPTH        = 1280,
  parameter BANK         = 1024,
  parameter ADDRESS_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
  input  logic                    clk_i,
  input  logic                    write_enable_i,
  input  logic [ADDRESS_BITS-1:0] write_address_i,
  input  logic [WIDTH-1:0]        write_data_i,
  input  logic [ADDRESS_BITS-1:0] read_address_i,
  output logic [WIDTH-1:0]        read_data_o
);
  localparam BANKS = (DEPTH + BANK - 1) / BANK;

  genvar b;
  generate
    if (BANKS == 1) begin : g_whole
      mem_simple #(.WIDTH(WIDTH), .DEPTH(DEPTH), .STYLE("block"), .READ_LATENCY(2)) u_bank (
        .clk_i(clk_i), .write_enable_i(write_enable_i), .write_address_i(write_address_i), .write_data_i(write_data_i),
        .read_enable_i(1'b1), .read_address_i(read_address_i), .read_data_o(read_data_o)
      );
    end else begin : g_banks
      for (b = 0; b < BANKS; b = b + 1) begin : g_bank
        localparam WORDS = b + 1 < BANKS ? BANK : DEPTH - b * BANK;
        localparam BITS  = WORDS > 1 ? $clog2(WORDS) : 1;

        logic             asked_q;
        logic [WIDTH-1:0] word, word_q, either;

        mem_simple #(.WIDTH(WIDTH), .DEPTH(WORDS), .STYLE("block"), .READ_LATENCY(1)) u_bank (
          .clk_i(clk_i),
          .write_enable_i(write_enable_i & (write_address_i[ADDRESS_BITS-1:$clog2(BANK)] == b)),
          .write_address_i(write_address_i[BITS-1:0]),
          .write_data_i(write_data_i),
          .read_enable_i(1'b1),
          .read_address_i(read_address_i[BITS-1:0]),
          .read_data_o(word)
        );

        always_ff @(posedge clk_i) begin
          asked_q <= read_address_i[ADDRESS_BITS-1:$clog2(BANK)] == b;
          word_q <= asked_q ? word : {WIDTH{1'b0}};
        end

        if (b == 0) begin : g_first
          assign either = word_q;
        end else begin : g_next
          assign either = word_q | g_bank[b-1].either;
        end
      end

      assign read_data_o = g_bank[BANKS-1].either;
    end
  endgenerate
endmodule

`default_nettype wire
