// What follows from the shape of a head. Everything comes from a register and holds still between two configurations; it
// is there four cycles after its inputs, long before a run's first beat.
//
//   LARGEST_LEVELS                                log2 of the most partial outputs of any shape
//   ADD_LATENCY, SCORE_LATENCY, UPDATE_LATENCY    see attention
//
// Waits are given less two: they are counted down to −1, from the cycle after.
`default_nettype none

module attention_shape #(
  parameter BEAT_BITS      = 5,
  parameter KV_BITS        = 12,
  parameter STATE_BITS     = 10,
  parameter PARTIAL_BITS   = 5,
  parameter WAIT_BITS      = 12,
  parameter LARGEST_LEVELS = 3,
  parameter ADD_LATENCY    = 4,
  parameter SCORE_LATENCY  = 60,
  parameter UPDATE_LATENCY = 25
) (
  input  logic                    clk_i,
  input  logic [BEAT_BITS-1:0]    beats_i,
  input  logic [15:0]             heads_i,
  input  logic [15:0]             kv_heads_i,
  // Beats and heads
  output logic [BEAT_BITS-1:0]    last_beat_o,
  output logic                    single_beat_o,
  output logic [16:0]             heads_rest_o,        // heads less two; −1 has the highest bit set
  output logic [15:0]             first_share_o,       // heads − KV heads
  // Distances in the buffers
  output logic [KV_BITS-1:0]      pitch_o,             // from one position to the next
  output logic [STATE_BITS:0]     row_size_o,          // from one row's outputs to the next
  // Partial outputs
  output logic [3:0]              levels_o,            // log2 of their number
  output logic [PARTIAL_BITS-1:0] partial_words_o,     // beats of all of them
  output logic [PARTIAL_BITS-1:0] last_partial_o,      // that less one
  output logic [PARTIAL_BITS-1:0] last_sum_o,          // of the lowest level of their tree
  // Waits
  output logic [WAIT_BITS-1:0]    settle_o,            // from an item's last key to its first value
  output logic [WAIT_BITS-1:0]    drain_o              // from the last item's rescaled output to its sum
);
  localparam [WAIT_BITS-1:0] TWO = 2;
  localparam LEVEL_WAIT   = ADD_LATENCY + 1;
  localparam LEAST_SETTLE = SCORE_LATENCY - 2;

  logic [31:0]             beats;
  logic [3:0]              levels;
  logic [WAIT_BITS-1:0]    tree, tree_q, reads_q, combine_q;   // less two from tree_q on
  logic [KV_BITS+15:0]     pitch;
  logic [STATE_BITS+16:0]  row_size;
  logic                    unused_products;

  assign beats = { {(32-BEAT_BITS){1'b0}}, beats_i};

  // The fewest partial outputs of which one has left the adder before its next turn, and the waits for the adder in
  // their tree, of all levels together.
  always_comb begin
    levels = 4'd0;
    tree = {WAIT_BITS{1'b0}};
    for (int level = LARGEST_LEVELS; level >= 0; level = level - 1) begin
      if ((beats << level) >= ADD_LATENCY + 2) begin
        levels = level[3:0];
        tree = LEVEL_WAIT[WAIT_BITS-1:0] * (level[WAIT_BITS-1:0] + 1'b1);
      end
    end
  end

  assign pitch    = { {KV_BITS{1'b0}}, kv_heads_i} * { {(KV_BITS+16-BEAT_BITS){1'b0}}, beats_i};
  assign row_size = { {(STATE_BITS+1){1'b0}}, heads_i} * { {(STATE_BITS+17-BEAT_BITS){1'b0}}, beats_i};
  assign unused_products = ^{beats, pitch, row_size};

  always_ff @(posedge clk_i) begin
    last_beat_o   <= beats_i - 1'b1;
    single_beat_o <= beats_i == 1;
    heads_rest_o  <= {1'b0, heads_i} - 17'd2;
    first_share_o <= heads_i - kv_heads_i;
    pitch_o       <= pitch[KV_BITS-1:0];
    row_size_o    <= row_size[STATE_BITS:0];

    levels_o <= levels;
    tree_q   <= tree - TWO;

    partial_words_o <= beats[PARTIAL_BITS-1:0] << levels_o;
    reads_q         <= beats[WAIT_BITS-1:0] << levels_o << 1;

    last_partial_o <= partial_words_o - 1'b1;
    last_sum_o     <= (levels_o == 0 ? partial_words_o : partial_words_o >> 1) - 1'b1;
    combine_q      <= tree_q + reads_q;

    settle_o <= combine_q > LEAST_SETTLE[WAIT_BITS-1:0] ? combine_q : LEAST_SETTLE[WAIT_BITS-1:0];
    drain_o  <= combine_q + UPDATE_LATENCY[WAIT_BITS-1:0];
  end
endmodule

`default_nettype wire
