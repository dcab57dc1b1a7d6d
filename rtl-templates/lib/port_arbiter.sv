// Gives the buffer ports to the units. An instruction holds all its ports from the cycle of its start to that of its
// end, in which they pass to the next instruction of the same unit; everybody else finds them free in the cycle after.
// Of the units that ask in one cycle the lowest is served first.
//
//   UNITS   numbered from dma (0), as in the instruction set but without the front end
//   PORTS   act.read, act.write, kv.read, kv.write, weights, input.read, input.write, acc.read, acc.write, coef.read
//
// A unit's bits of wanted_i are those of unit * PORTS and up. ok_o is combinational.
`default_nettype none

module port_arbiter #(
  parameter UNITS = 7,
  parameter PORTS = 10
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  // The unit could start its next instruction if it had these ports.
  input  logic [UNITS-1:0]       ask_i,
  input  logic [UNITS*PORTS-1:0] wanted_i,
  // In the same cycle: it starts.
  output logic [UNITS-1:0]       ok_o,
  // The running instruction finishes in this cycle.
  input  logic [UNITS-1:0]       done_i
);
  logic [UNITS*PORTS-1:0] held_q;
  // Nobody else holds what the unit wants.
  logic [UNITS-1:0]       candidate;

  always_comb begin
    candidate = ask_i;
    for (int unit = 0; unit < UNITS; unit = unit + 1) begin
      for (int other = 0; other < UNITS; other = other + 1) begin
        if (other != unit && (wanted_i[unit*PORTS +: PORTS] & held_q[other*PORTS +: PORTS]) != '0) candidate[unit] = 1'b0;
      end
    end
  end

  // Conflicts between heads are known early; only `ok_o` of the units before ripples.
  always_comb begin
    ok_o = candidate;
    for (int unit = 1; unit < UNITS; unit = unit + 1) begin
      for (int earlier = 0; earlier < unit; earlier = earlier + 1) begin
        if (ok_o[earlier] && (wanted_i[unit*PORTS +: PORTS] & wanted_i[earlier*PORTS +: PORTS]) != '0) ok_o[unit] = 1'b0;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    for (int unit = 0; unit < UNITS; unit = unit + 1) begin
      if (!rst_ni)           held_q[unit*PORTS +: PORTS] <= '0;
      else if (ok_o[unit])   held_q[unit*PORTS +: PORTS] <= wanted_i[unit*PORTS +: PORTS];
      else if (done_i[unit]) held_q[unit*PORTS +: PORTS] <= '0;
    end
  end
endmodule

`default_nettype wire
