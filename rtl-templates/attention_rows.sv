// Which positions of a run each query row sees: one row per cycle, the last row first. Rows that see a position are
// kept as a list of entries; the others cost their cycle here and nothing more.
//
//   COUNT_BITS   bits of a number of positions
//   ROWS         most rows
//   KV_BITS      bits of an address in `kv`, in units of LANES elements
//   STATE_BITS   bits of an address of running outputs, in the same units
//
// A row at distance x = query position + 1 − first position sees, counted from the first position, [0, sink) and
// [begin, end), with end = x, begin = x − window and sink = sink − first position, all brought between 0 and what
// follows. Operands hold still from begin_i on. With begin_i in cycle 0:
//
//   cycle      0       1       2     3     4      5     6        7         8
//   row R−1    differ- first   end   begin sink   count products products  entry written, done_o if R = 1
//              ences   row
//   row R−2                          end   begin  …
//
// A row also keeps whether it has seen any position since it was last begun.
`default_nettype none

module attention_rows #(
  parameter COUNT_BITS = 10,
  parameter ROWS       = 8,
  parameter KV_BITS    = 12,
  parameter STATE_BITS = 10,
  parameter ROW_BITS   = ROWS > 1 ? $clog2(ROWS) : 1
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic                  begin_i,
  input  logic                  forget_i,          // no row has seen anything
  input  logic                  first_i,           // these rows have seen nothing
  input  logic [31:0]           first_position_i,
  input  logic [COUNT_BITS-1:0] count_i,
  input  logic [31:0]           query_position_i,
  input  logic [ROW_BITS:0]     rows_i,
  input  logic [31:0]           window_i,
  input  logic [31:0]           sink_i,
  input  logic [KV_BITS-1:0]    pitch_i,           // from one position to the next
  input  logic [STATE_BITS:0]   row_size_i,        // from one row's outputs to the next
  output logic                  done_o,            // high with the last row's entry
  output logic [ROW_BITS:0]     entries_o,
  input  logic [ROW_BITS-1:0]   entry_i,
  output logic [COUNT_BITS-1:0] positions_o,       // visible
  output logic [COUNT_BITS-1:0] sink_o,            // the first of these come before the gap
  output logic [KV_BITS-1:0]    gap_o,
  output logic [STATE_BITS-1:0] outputs_o,         // where the row's running outputs begin
  output logic                  seen_o,            // before this run
  input  logic [ROW_BITS-1:0]   seen_row_i,
  output logic                  row_seen_o         // of row seen_row_i, this run included
);
  localparam ENTRY_BITS = 2 * COUNT_BITS + KV_BITS + STATE_BITS + 1;
  localparam STAGES     = 6;

  // ---- One row per cycle
  logic               difference_q, active_q;
  logic signed [34:0] distance_q, sink_q, end_q;
  logic [ROW_BITS-1:0] row_q;

  always_ff @(posedge clk_i) begin
    distance_q <= $signed({3'b0, query_position_i}) - $signed({3'b0, first_position_i});
    sink_q <= $signed({3'b0, sink_i}) - $signed({3'b0, first_position_i});
    if (difference_q) begin
      end_q <= distance_q + $signed({{(34-ROW_BITS){1'b0}}, rows_i});
      row_q <= rows_i[ROW_BITS-1:0] - 1'b1;
    end else begin
      end_q <= end_q - 35'sd1;
      row_q <= row_q - 1'b1;
    end
    if (!rst_ni) begin
      difference_q <= 1'b0;
      active_q <= 1'b0;
    end else begin
      difference_q <= begin_i;
      active_q <= difference_q | (active_q & (row_q != 0));
    end
  end

  // ---- What it sees
  function automatic [COUNT_BITS-1:0] clamp(input signed [34:0] value, input [COUNT_BITS-1:0] most);
    if (value[34]) clamp = 0;
    else if (value > $signed({{(35-COUNT_BITS){1'b0}}, most})) clamp = most;
    else clamp = value[COUNT_BITS-1:0];
  endfunction

  logic [STAGES-1:0]     valid_q;
  logic [ROW_BITS-1:0]   row1_q, row2_q, row3_q, row4_q, row5_q, row6_q;
  logic [COUNT_BITS-1:0] end1_q, end2_q, begin2_q, begin3_q, sink3_q, length3_q;
  logic [COUNT_BITS-1:0] positions4_q, sink4_q, gap4_q, positions5_q, sink5_q, positions6_q, sink6_q;
  logic signed [34:0]    begin1_q;
  logic                  some6_q;
  logic [KV_BITS-1:0]    gap5_q, gap6_q;
  logic [STATE_BITS-1:0] outputs5_q, outputs6_q;
  logic [KV_BITS+COUNT_BITS-1:0]  gap_product;
  logic [STATE_BITS+ROW_BITS:0]   outputs_product;
  logic                  unused_products;

  assign gap_product     = {{KV_BITS{1'b0}}, gap4_q} * {{COUNT_BITS{1'b0}}, pitch_i};
  assign outputs_product = {{(STATE_BITS+1){1'b0}}, row4_q} * {{ROW_BITS{1'b0}}, row_size_i};
  assign unused_products = ^{gap_product[KV_BITS+COUNT_BITS-1:KV_BITS], outputs_product[STATE_BITS+ROW_BITS:STATE_BITS]};

  always_ff @(posedge clk_i) begin
    end1_q <= clamp(end_q, count_i);
    begin1_q <= window_i == 0 ? 35'sd0 : end_q - $signed({3'b0, window_i});
    row1_q <= row_q;

    end2_q <= end1_q;
    begin2_q <= clamp(begin1_q, end1_q);
    row2_q <= row1_q;

    begin3_q <= begin2_q;
    sink3_q <= clamp(sink_q, begin2_q);
    length3_q <= end2_q - begin2_q;
    row3_q <= row2_q;

    positions4_q <= sink3_q + length3_q;
    sink4_q <= sink3_q;
    gap4_q <= begin3_q - sink3_q;
    row4_q <= row3_q;

    // Two registers for a multiplier.
    positions5_q <= positions4_q;
    sink5_q <= sink4_q;
    gap5_q <= gap_product[KV_BITS-1:0];
    outputs5_q <= outputs_product[STATE_BITS-1:0];
    row5_q <= row4_q;

    positions6_q <= positions5_q;
    some6_q <= positions5_q != 0;
    sink6_q <= sink5_q;
    gap6_q <= gap5_q;
    outputs6_q <= outputs5_q;
    row6_q <= row5_q;

    if (!rst_ni) valid_q <= 0;
    else         valid_q <= {valid_q[STAGES-2:0], active_q};
  end

  // ---- Entries, and what rows have seen
  logic              write;
  logic [ROW_BITS:0] entries_q;
  logic [ROWS-1:0]   seen_q;
  logic              seen6;

  assign write  = valid_q[5] & some6_q;
  assign seen6  = seen_q[row6_q] & ~first_i;
  assign done_o = valid_q[5] & (row6_q == 0);
  assign entries_o = entries_q;
  assign row_seen_o = seen_q[seen_row_i];

  always_ff @(posedge clk_i) begin
    if (begin_i)    entries_q <= 0;
    else if (write) entries_q <= entries_q + 1'b1;

    if (!rst_ni || forget_i) seen_q <= 0;
    else if (valid_q[5])     seen_q[row6_q] <= write | seen6;
  end

  mem_distributed #(.WIDTH(ENTRY_BITS), .DEPTH(ROWS)) u_entries (
    .clk_i(clk_i),
    .write_enable_i(write),
    .write_address_i(entries_q[ROW_BITS-1:0]),
    .write_data_i({positions6_q, sink6_q, gap6_q, outputs6_q, seen6}),
    .read_address_i(entry_i),
    .read_data_o({positions_o, sink_o, gap_o, outputs_o, seen_o})
  );
endmodule

`default_nettype wire
