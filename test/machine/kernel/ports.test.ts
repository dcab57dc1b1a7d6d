import { describe, expect, it } from 'vitest';
import { Ports, portMask } from '../../../src/machine/kernel/ports.ts';
import { hardware } from '../../hw/models.ts';

const hw = hardware('kv260');
const { actRead, actWrite, kvRead } = portMask;

describe('Ports', () => {
  it('blocks others, never the holder', () => {
    const ports = new Ports(hw);
    ports.acquire(actRead | kvRead, 4);
    expect(ports.blocker(actRead, 5)).toBe(4);
    expect(ports.blocker(actWrite, 5)).toBe(-1);
    expect(ports.blocker(actRead, 4)).toBe(-1);
  });

  it('is free for others only after the commit', () => {
    const ports = new Ports(hw);
    ports.acquire(actRead, 4);
    ports.release(actRead, 4);
    expect(ports.blocker(actRead, 5)).toBe(4);
    let freed = 0;
    ports.commit(() => freed++);
    expect(ports.blocker(actRead, 5)).toBe(-1);
    expect(freed).toBe(1);
  });

  it('stays with a unit that goes straight on', () => {
    const ports = new Ports(hw);
    ports.acquire(actRead | actWrite, 4);
    ports.release(actRead | actWrite, 4);
    ports.acquire(actRead, 4);
    ports.commit(() => {});
    expect(ports.blocker(actRead, 5)).toBe(4);
    expect(ports.blocker(actWrite, 5)).toBe(-1);
  });
});
