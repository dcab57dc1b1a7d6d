import fc from 'fast-check';
import type { CompiledModule } from 'verilator-wasm';
import { beforeAll, expect, it } from 'vitest';
import { describeVerilog } from '../describeWith.ts';
import { hardware } from '../hw/models.ts';
import { randomNumbers } from './frontEndBench.ts';
import { compileModule } from './verilog.ts';

const units = 8;
const classes = 16;

describeVerilog.each([5, 9, 10, 41, 64])('counters of %i bits', (bits) => {
  let module: CompiledModule;

  beforeAll(async () => {
    module = await compileModule({ ...hardware('tiny'), counters: { bits } }, 'counters', ['counters.sv.hbs']);
  });

  it('count every enabled cycle of every unit once, from zero when cleared, and wrap', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 30), fc.integer({ min: 0, max: 1500 }), (seed, cycles) => {
        const sim = module.instantiate({ seed: seed + 1 });
        const random = randomNumbers(seed);
        const set = (name: string, value: number) => sim.port(name).set(value);
        const wrapped = (count: number) => BigInt.asUintN(bits, BigInt(count));
        for (let run = 0; run < 2; run++) {
          const counts = new Array<number>(units * classes).fill(0);
          set('enable_i', 1);
          set('class_i', random(2 ** 32));
          set('clear_i', 1);
          const offset = random(classes);
          for (let name = 0; name < classes; name++) {
            set('clear_class_i', (name + offset) % classes);
            sim.tick();
          }
          set('clear_i', 0);
          // Few classes, so that counters grow.
          const kinds = [random(classes), random(classes)];
          /** What was read, and the cycle in which it is seen. */
          let reading: { until: number; count: number } | undefined;
          for (let cycle = 0; cycle < cycles; cycle++) {
            if (reading?.until === cycle) {
              expect(sim.port('read_data_o').getBig()).toBe(wrapped(reading.count));
              reading = undefined;
            }
            const reads = reading === undefined && random(2) === 0;
            const unit = random(units);
            const name = kinds[random(2)] as number;
            if (reads) reading = { until: cycle + 3, count: counts[unit * classes + name] as number };
            set('read_i', reads ? 1 : 0);
            set('read_unit_i', unit);
            set('read_class_i', name);
            const enabled = random(8) !== 0;
            let word = 0;
            for (let other = 0; other < units; other++) {
              const kind = kinds[random(2)] as number;
              word = (word | (kind << (4 * other))) >>> 0;
              if (enabled) counts[other * classes + kind]! += 1;
            }
            set('class_i', word);
            set('enable_i', enabled ? 1 : 0);
            sim.tick();
          }
          set('enable_i', 0);
          const seen = counts.map((_, index) => {
            set('read_i', 1);
            set('read_unit_i', index >> 4);
            set('read_class_i', index & 15);
            sim.tick();
            set('read_i', 0);
            sim.tick();
            sim.tick();
            return sim.port('read_data_o').getBig();
          });
          // The first was read in the cycle after the last that counted.
          expect(seen).toEqual(counts.map(wrapped));
        }
      }),
      { numRuns: 30 },
    );
  });
});
