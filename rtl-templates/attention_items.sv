// The items of an attend in their order: the entries of attention_rows, in each the heads in ascending order. The item
// shown is computed two ahead of its turn, so that take_i brings the next one in the following cycle.
//
//   cycle      0        1     2
//   begin_i    ‾‾‾‾‾‾‾‾‾______________
//   valid_o    ______________‾‾‾‾‾‾‾‾‾   item 0, until the cycle of take_i
`default_nettype none

module attention_items #(
  parameter COUNT_BITS = 10,
  parameter ROW_BITS   = 3,
  parameter KV_BITS    = 12,
  parameter STATE_BITS = 10
) (
  input  logic                  clk_i,
  input  logic                  begin_i,
  input  logic                  take_i,
  input  logic [16:0]           heads_rest_i,      // heads less two
  input  logic [15:0]           kv_heads_i,
  input  logic [15:0]           first_share_i,     // heads − kvHeads
  input  logic [KV_BITS-1:0]    kv_beats_i,        // beats of a head, twice
  input  logic [STATE_BITS-1:0] state_beats_i,
  // Entries of attention_rows
  input  logic [ROW_BITS:0]     entries_i,
  output logic [ROW_BITS-1:0]   entry_o,
  input  logic [COUNT_BITS-1:0] positions_i,
  input  logic [COUNT_BITS-1:0] sink_i,
  input  logic [KV_BITS-1:0]    gap_i,
  input  logic [STATE_BITS-1:0] outputs_i,
  input  logic                  seen_i,
  // The item
  output logic                  valid_o,
  output logic [COUNT_BITS:0]   rest_o,            // its positions less two; −1 has the highest bit set
  output logic [COUNT_BITS-1:0] sink_o,
  output logic [KV_BITS-1:0]    gap_o,
  output logic [KV_BITS-1:0]    start_o,           // of its KV head in a row
  output logic [STATE_BITS-1:0] outputs_o,
  output logic                  seen_o
);
  localparam [COUNT_BITS:0] TWO = 2;

  // The item after the one shown.
  logic                  begin_q, valid_q;
  logic [ROW_BITS:0]     entry_q, next_entry;
  logic [16:0]           heads_rest_q;             // behind this one, less one
  logic [15:0]           share_q;                  // those of this KV head × kvHeads
  logic [COUNT_BITS-1:0] positions_q, sink_q;
  logic [KV_BITS-1:0]    gap_q, head_start_q;
  logic [STATE_BITS-1:0] outputs_q;
  logic                  seen_q, last_head, advance;

  assign next_entry = begin_i ? {(ROW_BITS+1){1'b0}} : entry_q + 1'b1;
  assign entry_o    = next_entry[ROW_BITS-1:0];
  assign last_head  = heads_rest_q[16];
  assign advance    = begin_q | take_i;

  always_ff @(posedge clk_i) begin
    begin_q <= begin_i;
    if (begin_i || (advance && last_head)) begin
      valid_q <= next_entry < entries_i;
      entry_q <= next_entry;
      heads_rest_q <= heads_rest_i;
      share_q <= first_share_i;
      positions_q <= positions_i;
      sink_q <= sink_i;
      gap_q <= gap_i;
      head_start_q <= 0;
      outputs_q <= outputs_i;
      seen_q <= seen_i;
    end else if (advance) begin
      heads_rest_q <= heads_rest_q - 1'b1;
      outputs_q <= outputs_q + state_beats_i;
      // heads / kvHeads heads share a KV head: without a division, kvHeads is taken away until nothing is left of heads.
      if (!(|share_q)) begin
        share_q <= first_share_i;
        head_start_q <= head_start_q + kv_beats_i;
      end else begin
        share_q <= share_q - kv_heads_i;
      end
    end

    if (begin_i) begin
      valid_o <= 1'b0;
    end else if (advance) begin
      valid_o <= valid_q;
      rest_o <= {1'b0, positions_q} - TWO;
      sink_o <= sink_q;
      gap_o <= gap_q;
      start_o <= head_start_q;
      outputs_o <= outputs_q;
      seen_o <= seen_q;
    end
  end
endmodule

`default_nettype wire
