import { describe, expect, it } from 'vitest';
import { joinDumps } from '../../src/cosim/joinDumps.ts';

const verilog = `$version some simulator $end
$timescale 1ps $end
 $scope module lutra $end
  $var wire 1 # clk_i $end
  $var wire 8 m2 count_q [7:0] $end
  $var wire 1 # same_clock $end
 $upscope $end
$enddefinitions $end

#4
1#
b00000000 m2
#5
0#
#10
1#
b00000001 m2
`;

const machine = `$timescale 1ns $end
$scope module machine $end $var string 1 # state $end
$var reg 4 ! depth $end
$upscope $end $enddefinitions $end
$dumpvars
sidle #
b0 !
$end
#1
sworking #
#2
b10 !
`;

describe('joinDumps', () => {
  it('joins scopes, renames what collides, and puts all changes in the order of time', () => {
    const joined = joinDumps([
      { scope: 'left', text: verilog, time: (time) => time + 100 },
      { scope: 'right', text: machine, time: (cycle) => 100 + 10 * cycle },
    ]);
    expect(joined.split('\n')).toEqual([
      '$version some simulator $end',
      '$timescale 1ps $end',
      '$scope module left $end',
      '$scope module lutra $end',
      '$var wire 1 # clk_i $end',
      '$var wire 8 m2 count_q [7:0] $end',
      '$var wire 1 # same_clock $end',
      '$upscope $end',
      '$upscope $end',
      '$scope module right $end',
      '$scope module machine $end',
      '$var string 1 m3 state $end',
      '$var reg 4 m4 depth $end',
      '$upscope $end',
      '$upscope $end',
      '$enddefinitions $end',
      '#104',
      '1#',
      'b00000000 m2',
      '#105',
      '0#',
      // At the same time the first dump comes first.
      '#110',
      '1#',
      'b00000001 m2',
      'sidle m3',
      'b0 m4',
      'sworking m3',
      '#120',
      'b10 m4',
      '',
    ]);
  });

  it('keeps the codes of the first, and values that stand before any time', () => {
    const joined = joinDumps([{ scope: 'only', text: machine, time: (cycle) => cycle }]);
    expect(joined).toContain('$var string 1 # state $end');
    expect(joined.split('\n').slice(-7)).toEqual(['#1', 'sidle #', 'b0 !', 'sworking #', '#2', 'b10 !', '']);
  });

  it('refuses what is no dump', () => {
    expect(() => joinDumps([{ scope: 'only', text: 'nothing', time: (time) => time }])).toThrow(/no \$enddefinitions/);
  });
});
