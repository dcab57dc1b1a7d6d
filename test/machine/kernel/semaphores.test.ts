import { describe, expect, it } from 'vitest';
import { newClock, Semaphores, semaphoreMaximum } from '../../../src/machine/kernel/semaphores.ts';

describe('Semaphores', () => {
  it('shows a post only after the commit, and wakes the receiver', () => {
    const semaphores = new Semaphores();
    semaphores.post(0b1000, 1, newClock());
    expect(semaphores.count(1, 3)).toBe(0);
    const woken: number[] = [];
    semaphores.commit((unit) => woken.push(unit));
    expect(semaphores.count(1, 3)).toBe(1);
    expect(woken).toEqual([3]);
  });

  it('names the lowest unit that is missing', () => {
    const semaphores = new Semaphores();
    semaphores.post(0b10000, 1, newClock());
    semaphores.commit(() => {});
    expect(semaphores.firstMissing(0b0010, 4)).toBe(-1);
    expect(semaphores.firstMissing(0b1110, 4)).toBe(2);
  });

  it('hands the clock of each poster over in order', () => {
    const semaphores = new Semaphores();
    for (const sequence of [5, 9]) {
      const clock = newClock();
      clock[1] = sequence;
      semaphores.post(0b100, 1, clock);
    }
    semaphores.commit(() => {});
    const seen = newClock();
    semaphores.take(0b10, 2, seen);
    expect(seen[1]).toBe(5);
    semaphores.take(0b10, 2, seen);
    expect(seen[1]).toBe(9);
    expect(semaphores.count(1, 2)).toBe(0);
  });

  it('refuses to count past its register', () => {
    const semaphores = new Semaphores();
    for (let i = 0; i <= semaphoreMaximum; i++) semaphores.post(0b100, 1, newClock());
    expect(() => semaphores.commit(() => {})).toThrow(
      'error[MCH004] semaphore dma → weightBuffer counts past 255 (post only where the other unit waits)',
    );
  });
});
