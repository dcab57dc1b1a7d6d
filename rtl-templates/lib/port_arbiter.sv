// Gives the buffer ports to the units. An instruction holds all its ports from the cycle of its start to that of its
// end, in which they pass to the next instruction of the same unit; everybody else finds them free in the cycle after.
// Of the units that ask in one cycle the lowest is served first.
//
//   UNITS      numbered from dma (0), as in the instruction set but without the front end
//   PORTS      act.read, act.write, kv.read, kv.write, weights, input.read, input.write, acc.read, acc.write, coef.read,
//              act.read and act.write of the second bank
//   POSSIBLE   ports that a unit may ever want; the logic for others goes away
//
// A unit's bits of wanted_i are those of unit * PORTS and up. ok_o is combinational.
`default_nettype none

module port_arbiter #(
  parameter                     UNITS    = 7,
  parameter                     PORTS    = 12,
  parameter [UNITS*PORTS-1:0]   POSSIBLE = {(UNITS*PORTS){1'b1}}
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
  logic [UNITS*PORTS-1:0] wanted, held_q, kept;
  logic [PORTS-1:0]       busy_q, busy_kept, busy_taken;   // held by anybody
  logic [UNITS-1:0]       candidate;                       // nobody else holds what the unit wants
  logic [UNITS*UNITS-1:0] conflict;                        // both heads want the same port

  assign wanted = wanted_i & POSSIBLE;

  always_comb begin
    for (int unit = 0; unit < UNITS; unit = unit + 1) begin
      candidate[unit] = ask_i[unit] && (wanted[unit*PORTS +: PORTS] & busy_q & ~held_q[unit*PORTS +: PORTS]) == '0;
      for (int other = 0; other < UNITS; other = other + 1) begin
        conflict[unit*UNITS + other] = (wanted[unit*PORTS +: PORTS] & wanted[other*PORTS +: PORTS]) != '0;
      end
    end
  end

  // Only `ok_o` of the units before ripples.
  always_comb begin
    ok_o = candidate;
    for (int unit = 1; unit < UNITS; unit = unit + 1) begin
      for (int earlier = 0; earlier < unit; earlier = earlier + 1) begin
        if (ok_o[earlier] && conflict[unit*UNITS + earlier]) ok_o[unit] = 1'b0;
      end
    end
  end

  always_comb begin
    kept       = held_q & POSSIBLE;
    busy_kept  = '0;
    busy_taken = '0;
    for (int unit = 0; unit < UNITS; unit = unit + 1) begin
      if (done_i[unit]) kept[unit*PORTS +: PORTS] = '0;
      busy_kept = busy_kept | kept[unit*PORTS +: PORTS];
      if (ok_o[unit]) busy_taken = busy_taken | wanted[unit*PORTS +: PORTS];
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      held_q <= '0;
      busy_q <= '0;
    end else begin
      for (int unit = 0; unit < UNITS; unit = unit + 1) begin
        held_q[unit*PORTS +: PORTS] <= ok_o[unit] ? wanted[unit*PORTS +: PORTS] : kept[unit*PORTS +: PORTS];
      end
      busy_q <= busy_kept | busy_taken;
    end
  end
endmodule

`default_nettype wire
