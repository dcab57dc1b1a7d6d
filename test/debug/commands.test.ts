import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { commands } from '../../src/debug/commands/index.ts';
import { hardware } from '../machine/harness.ts';
import { debuggerOf, say } from './debugging.ts';

const source = readFileSync('programs/semaphores.lasm', 'utf8');

describe('commands', () => {
  it('have names that are no beginning of each other’s short forms, each once', () => {
    const names = commands.flatMap((command) => command.names);
    expect(new Set(names).size).toBe(names.length);
  });

  it('are understood in full, in short, and by their beginning; comments and empty lines do nothing', () => {
    const debug = debuggerOf(source);
    for (const form of ['goto 100', 'g 100', 'got 0x64', 'GOTO 1_00']) {
      say(debug, 'goto 0');
      say(debug, form);
      expect(debug.session.cycle).toBe(100);
    }
    for (const nothing of ['', '   ', '# goto 5', 'info']) expect(say(debug, nothing)).toEqual([]);
    expect(say(debug, 'info registers')).toEqual(say(debug, 'r'));
    expect(say(debug, 'step 2 cycles # and no more')).toEqual(say(debug, 'where').slice(0, 1));
    expect(say(debug, 'help')).toHaveLength(commands.length + 2);
    for (const { names } of commands) expect(say(debug, `help ${names[0]}`).length).toBeGreaterThan(1);
  });

  it('change nothing when they are wrong', () => {
    const debug = debuggerOf(source);
    say(debug, 'goto 150');
    const before = say(debug, 'units');
    for (const wrong of ['step x', 'back 0', 'goto', 'break nowhere', 'watch act:999999', 'print', 'delete 4', 'foo']) {
      expect(() => say(debug, wrong), wrong).toThrow(/^error\[DBG00\d\]/);
    }
    expect(say(debug, 'units')).toEqual(before);
    expect(say(debug, 'breakpoints')).toEqual(['no breakpoints']);
  });

  it('are completed: commands, units, labels, addresses', () => {
    const debug = debuggerOf(source);
    expect(debug.complete('st')).toEqual([['step', 'stepi'], 'st']);
    expect(debug.complete('break ne')).toEqual([['next'], 'ne']);
    expect(debug.complete('b ve')).toEqual([['vector'], 've']);
    expect(debug.complete('print n')).toEqual([['numbers'], 'n']);
    expect(debug.complete('help conti')).toEqual([['continue'], 'conti']);
    expect(debug.complete('step 3 in')).toEqual([['instructions'], 'in']);
    expect(debug.complete('info uni')).toEqual([['units'], 'uni']);
    expect(debug.complete('registers x')).toEqual([[], 'x']);
  });

  it('quit', () => {
    const debug = debuggerOf(source);
    say(debug, 'q');
    expect(debug.ended).toBe(true);
  });

  it('do not wait for what cannot be reached', () => {
    const debug = debuggerOf('jmp end\nvector.sync\nend: halt');
    expect(() => say(debug, 'break 1')).toThrow(/instruction 1 can never be reached/);
    expect(say(debug, 'break end')).toHaveLength(1);
  });

  it('name every breakpoint that a stop is due to, and stop in a stretch of the program once', () => {
    const debug = debuggerOf(source);
    say(debug, 'break vector');
    say(debug, 'break cycle 140');
    expect(say(debug, 'continue').slice(0, 2)).toEqual([
      expect.stringMatching(/^breakpoint 1, vector begins .* in cycle 139$/),
      'breakpoint 2, cycle 140',
    ]);
    expect(say(debug, 'continue')[0]).toMatch(/^breakpoint 1, .*instruction 6 \(next \+ 1\)/);

    const layers = debuggerOf(
      'mark layer, 3\nvector.sync\nvector.sync\nvector.sync\nmark layer, 4\nvector.sync\nmark layer, 3\nhalt',
    );
    say(layers, 'break layer 3');
    expect(say(layers, 'continue')[0]).toMatch(/^breakpoint 1, layer 3: vector began vector.sync, instruction 1,/);
    say(layers, 'step 6');
    // Back, but not to before it.
    say(layers, 'back 3');
    expect(say(layers, 'continue')[0]).toMatch(/halted/);
    say(layers, 'goto 0');
    expect(say(layers, 'continue')[0]).toMatch(/instruction 1,/);
    say(layers, 'back 1 vector');
    expect(say(layers, 'continue')[0]).toMatch(/instruction 1,/);
  });

  it('find what costs a program a sixth of its time, as docs/debugging.md tells it', () => {
    // Both halves in one bank, then each in its own.
    const cycles = ['1', '2'].map((banks) => {
      const fields = ['vector.activationElements=16384', `vector.activationBanks=${banks}`];
      const debug = debuggerOf(source.replace('HALVES = ELEMENTS', 'HALVES = 8192'), hardware('odd', ...fields));
      say(debug, 'break stall 0 dma port');
      const [first = ''] = say(debug, 'continue');
      expect(first.startsWith(banks === '1' ? 'breakpoint 1, dma waits' : 'the program has halted')).toBe(true);
      say(debug, 'delete');
      say(debug, 'continue');
      return debug.session.cycle;
    });
    expect(cycles).toEqual([634, 533]);
  });
});
