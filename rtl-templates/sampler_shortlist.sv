// The groups of logits that can hold the largest exact one, in the order in which they were found.
//
//   DEPTH      groups
//   COLUMNS    logits of a group
//
// Of each logit come two keys in the order of unsigned integers: the upper of what its exact value can be, and in the
// next cycle the lower. The largest lower, and the best exact logit at each search, is the limit; a group stays if its
// largest upper reaches the limit. A search goes through the list, one entry per cycle, to the next that still does.
//
//   keys     upper │ lower: limit │ group ended: compared and written │ (done_o)
//   search   0 start │ 1 limit, address │ 3 entry, compared │ 4 given_o; one cycle more for each entry passed over
`default_nettype none

module sampler_shortlist #(
  parameter DEPTH        = 1024,
  parameter COLUMNS      = 8,
  parameter INDEX_BITS   = DEPTH > 1 ? $clog2(DEPTH) : 1,
  parameter COUNT_BITS   = $clog2(DEPTH + 1),
  parameter COLUMN_BITS  = COLUMNS > 1 ? $clog2(COLUMNS) : 1
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  // A run of logits begins; it forgets what was before, or not
  input  logic        start_i,
  input  logic        clear_i,
  input  logic [31:0] first_group_i,
  input  logic        upper_valid_i,
  input  logic        last_i,
  input  logic [31:0] key_i,
  output logic        done_o,
  // The next group, or the best one
  input  logic        next_i,
  input  logic        best_i,
  input  logic [31:0] exact_key_i,
  output logic        given_o,
  output logic [31:0] group_o
);
  localparam [31:0] MINUS_INFINITY_KEY = 32'h007f_ffff;
  localparam [31:0] END_OF_LIST = 32'hffff_ffff, OVERFLOW = 32'hffff_fffe;
  localparam [COUNT_BITS-1:0] FULL = DEPTH[COUNT_BITS-1:0];
  localparam LAST_COLUMN = COLUMNS - 1;

  // ---- Selecting
  logic                   lower_q, last_q, group_end, append_q, store;
  logic [COLUMN_BITS-1:0] column_q;
  logic [31:0]            group_q, append_group_q, highest_q, limit_q, best_q;
  logic [COUNT_BITS-1:0]  count_q;
  logic                   overflow_q, done_q, fold_q;

  assign group_end = lower_q & (last_q | column_q == LAST_COLUMN[COLUMN_BITS-1:0]);
  assign store     = append_q & highest_q >= limit_q;
  assign done_o    = done_q;

  always_ff @(posedge clk_i) begin
    last_q <= last_i;
    append_group_q <= group_q;
    if (upper_valid_i && (column_q == 0 || key_i > highest_q)) highest_q <= key_i;
    if (start_i)        column_q <= {COLUMN_BITS{1'b0}};
    else if (group_end) column_q <= {COLUMN_BITS{1'b0}};
    else if (lower_q)   column_q <= column_q + 1'b1;
    if (start_i)        group_q <= first_group_i;
    else if (group_end) group_q <= group_q + 32'd1;
    if (!rst_ni) begin
      lower_q <= 1'b0;
      append_q <= 1'b0;
      done_q <= 1'b0;
      fold_q <= 1'b0;
    end else begin
      lower_q <= upper_valid_i;
      append_q <= group_end;
      done_q <= group_end & last_q;
      fold_q <= next_i & ~best_i;
    end
    if (!rst_ni || clear_i) begin
      limit_q <= MINUS_INFINITY_KEY;
      best_q <= rst_ni ? first_group_i : 32'b0;
      count_q <= {COUNT_BITS{1'b0}};
      overflow_q <= 1'b0;
    end else begin
      if (lower_q && key_i > limit_q) begin
        limit_q <= key_i;
        best_q <= group_q;
      end else if (fold_q && exact_key_i > limit_q) limit_q <= exact_key_i;
      if (store && count_q == FULL) overflow_q <= 1'b1;
      else if (store)               count_q <= count_q + 1'b1;
    end
  end

  // ---- Searching
  logic [3:0]            search_q;
  logic                  special_q, end_q, hit_q;
  logic [COUNT_BITS-1:0] position_q, index_q, index_2_q, index_3_q, index_4_q;
  logic [31:0]           upper, group, found_q;
  logic                  unused_bits;

  mem_simple #(.WIDTH(64), .DEPTH(DEPTH), .STYLE("block"), .READ_LATENCY(2)) u_list (
    .clk_i(clk_i), .write_enable_i(store && count_q != FULL), .write_address_i(count_q[INDEX_BITS-1:0]),
    .write_data_i({highest_q, append_group_q}), .read_enable_i(search_q[0]), .read_address_i(index_q[INDEX_BITS-1:0]),
    .read_data_o({upper, group})
  );

  assign given_o     = search_q[3] & (special_q | hit_q);
  assign group_o     = overflow_q ? OVERFLOW : special_q ? best_q : end_q ? END_OF_LIST : found_q;
  assign unused_bits = ^{count_q, index_q};

  always_ff @(posedge clk_i) begin
    index_2_q <= index_q;
    index_3_q <= index_2_q;
    index_4_q <= index_3_q;
    end_q <= index_3_q == count_q;
    hit_q <= index_3_q == count_q || upper >= limit_q;
    found_q <= group;
    if (next_i) begin
      special_q <= best_i | overflow_q;
      index_q <= position_q;
    end else if (index_q != count_q) index_q <= index_q + 1'b1;
    if (!rst_ni || given_o) search_q <= 4'b0;
    else                    search_q <= {search_q[2:0], next_i | search_q[0]};
    if (!rst_ni || clear_i)          position_q <= {COUNT_BITS{1'b0}};
    else if (given_o && !special_q)  position_q <= end_q ? count_q : index_4_q + 1'b1;
  end
endmodule

`default_nettype wire
