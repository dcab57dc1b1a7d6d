// What every unit has around its core: the command queue, the semaphores towards it, and the question whether the
// instruction at the head may start.
//
//   QUEUE_DEPTH   instructions that may wait; the running one is no longer in the queue
//
// Which buffer ports an instruction wants is found out when it is pushed and kept with it, so that the arbiter works
// from registers.
//
// The head starts in the first cycle in which no instruction runs or the running one is done, every semaphore of its
// wait mask is available, nothing stalls it and the arbiter grants its buffer ports. Its post mask is given in the
// cycle in which it is done.
//
//   cycle     0    1    2    3    4    5
//   push_i    ‾‾‾‾‾______________________     issued
//   ask_o     _____‾‾‾‾‾‾‾‾‾‾____________     a port is held by somebody else in 1
//   ok_i      __________‾‾‾‾‾____________
//   start_o   __________‾‾‾‾‾____________     started
//   done_i    _________________________‾‾     finished
//   class_o   idle port <- core_class ->
`default_nettype none

module unit_control #(
  parameter QUEUE_DEPTH = 4
) (
  input  logic         clk_i,
  input  logic         rst_ni,
  // From the front end.
  input  logic         push_i,
  input  logic [3:0]   push_op_i,
  input  logic [7:0]   push_wait_i,
  input  logic [7:0]   push_post_i,
  input  logic [223:0] push_words_i,
  input  logic [11:0]  push_ports_i,
  output logic         full_o,
  output logic         idle_o,
  // Counts given to this unit, by giver, and by this unit, by taker.
  input  logic [7:0]   post_i,
  output logic [7:0]   post_o,
  // The head of the queue; it means nothing while the queue is empty.
  output logic [3:0]   head_op_o,
  output logic [223:0] head_words_o,
  // The head may not start for a reason of the unit's own: a full mailbox.
  input  logic         stall_i,
  // The arbiter of buffer ports.
  output logic         ask_o,
  output logic [11:0]  wanted_o,
  input  logic         ok_i,
  // The core.
  output logic         start_o,
  input  logic         done_i,
  input  logic [1:0]   core_class_i,
  // Where this cycle goes: 0 idle, 1 working, 2 pipeline, 3 tableBuild or memoryBandwidth, 4 memoryLatency, 5 port,
  // 8 + u wait for unit u.
  output logic [3:0]   class_o
);
  localparam [3:0] CLASS_IDLE = 4'd0, CLASS_WORKING = 4'd1, CLASS_PORT = 4'd5;

  logic       empty;
  logic [$clog2(QUEUE_DEPTH+1)-1:0] unused_count;
  logic [7:0] head_wait, head_post;
  logic [7:0] available, missing;
  logic       ready, start;
  logic       active_q;
  logic [7:0] post_q;

  fifo #(.WIDTH(12 + 4 + 8 + 8 + 224), .DEPTH(QUEUE_DEPTH)) u_queue (
    .clk_i,
    .rst_ni,
    .push_i,
    .data_i ({push_ports_i, push_op_i, push_wait_i, push_post_i, push_words_i}),
    .full_o,
    .pop_i  (start),
    .data_o ({wanted_o, head_op_o, head_wait, head_post, head_words_o}),
    .empty_o(empty),
    .count_o(unused_count)
  );

  generate
    for (genvar unit = 0; unit < 8; unit = unit + 1) begin : g_semaphore
      counting_semaphore u_semaphore (
        .clk_i,
        .rst_ni,
        .post_i     (post_i[unit]),
        .take_i     (start && head_wait[unit]),
        .available_o(available[unit])
      );
    end
  endgenerate

  assign missing = head_wait & ~available;
  assign ready   = !empty && (!active_q || done_i);
  assign ask_o   = ready && missing == 8'd0 && !stall_i;
  assign start   = ask_o && ok_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni)     active_q <= 1'b0;
    else if (start)  active_q <= 1'b1;
    else if (done_i) active_q <= 1'b0;
    if (start) post_q <= head_post;
  end

  // The lowest unit that is missing counts; a stall is the front end's.
  always_comb begin
    class_o = CLASS_IDLE;
    if (start || (active_q && !done_i)) begin
      // 0…3 of the core are working, pipeline, tableBuild or memoryBandwidth, memoryLatency.
      class_o = CLASS_WORKING + {2'b00, core_class_i};
    end else if (!empty) begin
      class_o = CLASS_PORT;
      if (stall_i) class_o = 4'd8;
      for (int unit = 7; unit >= 0; unit = unit - 1) begin
        if (missing[unit]) class_o = {1'b1, 3'(unit)};
      end
    end
  end

  assign start_o      = start;
  assign post_o       = active_q && done_i ? post_q : 8'd0;
  assign idle_o       = empty && !active_q;
endmodule

`default_nettype wire
