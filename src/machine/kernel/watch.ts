import { issueUnits } from '../../isa/table.ts';
import type { Probe } from '../../trace/probe.ts';
import { type Ports, sharedPorts } from './ports.ts';
import { restoreFields, type Saved, saveFields } from './saving.ts';
import type { Semaphores } from './semaphores.ts';

const unitCount = issueUnits.length;

/** Tells a probe what changed in queues, semaphores and ports. */
export class Watch {
  private readonly probe: Probe;
  private readonly depthOf: (unit: number) => number;
  private readonly semaphores: Semaphores;
  private readonly ports: Ports;
  // What was told last.
  private readonly depths = new Uint32Array(unitCount);
  private readonly counts = new Uint16Array(unitCount * unitCount);
  private readonly holders = new Int8Array(sharedPorts.length).fill(-1);
  // Changes that were looked at.
  private semaphoreChanges = 0;
  private portChanges = 0;

  /** `depthOf` is the depth of the queue of a unit other than the front end. */
  constructor(probe: Probe, depthOf: (unit: number) => number, semaphores: Semaphores, ports: Ports) {
    this.probe = probe;
    this.depthOf = depthOf;
    this.semaphores = semaphores;
    this.ports = ports;
  }

  save(): Saved {
    return saveFields(this, ['depths', 'counts', 'holders', 'semaphoreChanges', 'portChanges']);
  }

  restore(saved: Saved): void {
    restoreFields(this, saved);
  }

  /** After a commit: what is new in `cycle`, the one that follows. */
  look(cycle: number): void {
    const { probe, depths } = this;
    for (let unit = 1; unit < unitCount; unit++) {
      const depth = this.depthOf(unit);
      if (depth === depths[unit]) continue;
      depths[unit] = depth;
      probe.queue(unit, depth, cycle);
    }
    if (this.semaphoreChanges !== this.semaphores.changes) this.lookAtSemaphores(cycle);
    if (this.portChanges !== this.ports.changes) this.lookAtPorts(cycle);
  }

  private lookAtSemaphores(cycle: number): void {
    const { probe, counts } = this;
    this.semaphoreChanges = this.semaphores.changes;
    for (let from = 0; from < unitCount; from++) {
      for (let to = 0; to < unitCount; to++) {
        const count = this.semaphores.count(from, to);
        if (count === counts[from * unitCount + to]) continue;
        counts[from * unitCount + to] = count;
        probe.semaphore(from, to, count, cycle);
      }
    }
  }

  private lookAtPorts(cycle: number): void {
    const { probe, holders } = this;
    this.portChanges = this.ports.changes;
    for (let port = 0; port < holders.length; port++) {
      const holder = this.ports.holder(port);
      if (holder === holders[port]) continue;
      holders[port] = holder;
      probe.port(port, holder, cycle);
    }
  }
}
