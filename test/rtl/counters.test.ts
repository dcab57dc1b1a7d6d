import fc from 'fast-check';
import type { CompiledModule } from 'verilator-wasm';
import { beforeAll, expect, it } from 'vitest';
import { describeVerilog } from '../describeWith.ts';
import { hardware } from '../hw/models.ts';
import { randomNumbers } from './frontEndBench.ts';
import { compileModule } from './verilog.ts';

const units = 8;
const classes = 16;

describeVerilog.each([5, 41, 64])('counters of %i bits', (bits) => {
  let module: CompiledModule;

  beforeAll(async () => {
    module = await compileModule({ ...hardware('tiny'), counters: { bits } }, 'counters', ['counters.sv.hbs']);
  });

  it('count every enabled cycle of every unit once, from zero after a reset, and wrap', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 30), fc.integer({ min: 0, max: 300 }), (seed, cycles) => {
        const sim = module.instantiate({ seed: seed + 1 });
        const random = randomNumbers(seed);
        for (let run = 0; run < 2; run++) {
          const counts = new Array<number>(units * classes).fill(0);
          sim.port('rst_ni').set(0);
          sim.port('enable_i').set(1);
          sim.port('class_i').set(random(2 ** 32));
          sim.tick();
          sim.tick();
          sim.port('rst_ni').set(1);
          // Few classes, so that counters grow.
          const kinds = [random(classes), random(classes)];
          for (let cycle = 0; cycle < cycles; cycle++) {
            const enabled = random(8) !== 0;
            let word = 0;
            for (let unit = 0; unit < units; unit++) {
              const name = kinds[random(2)] as number;
              word = (word | (name << (4 * unit))) >>> 0;
              if (enabled) counts[unit * classes + name]! += 1;
            }
            sim.port('class_i').set(word);
            sim.port('enable_i').set(enabled ? 1 : 0);
            sim.port('read_unit_i').set(random(units));
            sim.tick();
          }
          sim.port('enable_i').set(0);
          for (let cycle = 0; cycle < 3; cycle++) sim.tick();
          const seen = counts.map((_, index) => {
            sim.port('read_unit_i').set(index >> 4);
            sim.port('read_class_i').set(index & 15);
            sim.tick();
            return sim.port('read_data_o').getBig();
          });
          expect(seen).toEqual(counts.map((count) => BigInt.asUintN(bits, BigInt(count))));
        }
      }),
      { numRuns: 30 },
    );
  });
});
