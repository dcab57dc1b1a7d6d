/** Runs the self-test on Verilog alone, as a board does: registers, memory, and no machine beside it. */
import type { Simulation } from 'verilator-wasm';
import { ControlBus } from '../src/cosim/controlBus.ts';
import { LoosePort } from '../src/cosim/faults/loosePort.ts';
import { Clock } from '../src/cosim/pins.ts';
import { hostWrites } from '../src/host/hostWrites.ts';
import { fieldsOf } from '../src/host/registerAccess.ts';
import { derive } from '../src/hw/derive.ts';
import type { HardwareModel } from '../src/hw/index.ts';
import { issueUnits } from '../src/isa/index.ts';
import { loadedStore } from '../src/machine/machine.ts';
import { counterClass } from '../src/rtl/counterClasses.ts';
import { controlRegister, counterOffset } from '../src/rtl/registers.ts';
import type { SelfTest } from '../src/selftest/index.ts';

/** Cycles without a token after which the watchdog ends the run, in its units of 1024: longer than any check. */
const watchdog = 600;
const resetCycles = 8;
const pollCycles = 4096;
/** Clock cycles for the longest self-test. */
const patience = 20_000_000;

/** What was wrong first, in words; undefined: it has passed. Throws LutraError COS003 where registers never answer. */
export function runAlone(simulation: Simulation, hw: HardwareModel, test: SelfTest): string | undefined {
  const { image, checks, counters } = test;
  const store = loadedStore(image, hw);
  const { portBytes } = derive(hw);
  const everywhere = { memoryLast: 0xffff_ffff, writeFirst: 0, writeLast: 0xffff_ffff };
  const clock = new Clock(simulation);
  const control = new ControlBus(simulation);
  const nothing = { reads: [], writes: [], answers: 0 };
  const ports = Array.from({ length: hw.memory.ports }, (_, index) => {
    for (const name of ['rvalid', 'bvalid']) simulation.port(`m_axi_gmem${index}_${name}`).set(0);
    const place = { index, portBytes, base: 0n, windows: everywhere };
    return new LoosePort(simulation, place, store, { seed: 7, silentUntil: 0, errors: false }, nothing);
  });
  const reset = simulation.port('rst_ni');
  let cycle = 0;
  let answer = 0;
  let broken: string | undefined;
  const tick = () => {
    control.drive();
    for (const port of ports) port.drive(cycle);
    clock.settle();
    const moment = control.sample();
    if (moment.answered) answer = moment.answered.value;
    for (const port of ports) {
      const difference = reset.get() === 1 ? port.sample(cycle) : undefined;
      if (difference) broken ??= `${difference.where}: ${difference.what} ${difference.verilog}`;
    }
    clock.edge();
    cycle += 1;
  };
  const access = (write: boolean, offset: number, value = 0) => {
    control.begin({ write, offset, value });
    while (control.busy) tick();
    return answer;
  };
  const read = (name: string) => access(false, controlRegister(name).offset);
  reset.set(0);
  for (let count = 0; count < resetCycles; count++) tick();
  reset.set(1);
  tick();
  for (const { register, value } of hostWrites(image, 0n, { watchdog })) {
    access(true, controlRegister(register).offset, value);
  }
  access(true, controlRegister('control').offset, 1);
  for (let index = 0; cycle < patience; ) {
    for (let count = 0; count < pollCycles; count++) tick();
    if (broken) return broken;
    const status = fieldsOf('status', read('status'));
    for (let waiting = read('tokenCount'); waiting > 0; waiting--, index++) {
      const token = read('token') >>> 0;
      const check = checks[index];
      if (token === check?.token) continue;
      const wrong = (token & ~255) >>> 0 === check?.token ? `${token & 255} wrong words` : `0x${token.toString(16)}`;
      return check ? `${check.unit}: ${check.what}: ${wrong}` : `a token too many, 0x${token.toString(16)}`;
    }
    if (status['stopped'] === 1) return `stopped, ${checks[index]?.unit}: ${checks[index]?.what}`;
    if (status['halted'] === 0) continue;
    if (index < checks.length) return `halted before ${checks[index]?.what}`;
    for (const { unit, cycleClass, cycles } of counters) {
      const offset = counterOffset(issueUnits.indexOf(unit), counterClass(cycleClass));
      const low = access(false, offset) >>> 0;
      const found = low + (access(false, offset + 4) >>> 0) * 2 ** 32;
      if (found !== cycles) return `counter ${unit} ${cycleClass}: ${found}, not ${cycles}`;
    }
    return undefined;
  }
  return 'it never ends';
}
