import { expect, it } from 'vitest';
import { describeVerilog } from '../describeWith.ts';
import { hardware } from '../machine/harness.ts';
import { createRandom } from './float/formats.ts';
import { compileModule } from './verilog.ts';

/** Words, and words of a bank: one bank, a short last bank, banks of equal length, a last bank of one word. */
const shapes = [
  { depth: 13, bank: 16 },
  { depth: 21, bank: 8 },
  { depth: 32, bank: 8 },
  { depth: 17, bank: 16 },
];

describeVerilog('attention_state', () => {
  it.each(shapes)('keeps $depth words in banks of $bank', async ({ depth, bank }) => {
    const module = await compileModule(hardware('tiny'), 'attention_state', ['attention_state.sv'], {
      WIDTH: 32,
      DEPTH: depth,
      BANK: bank,
    });
    const sim = module.instantiate({ seed: 7 });
    const port = (name: string) => sim.port(name);
    const [enable, writeAddress, writeData] = ['write_enable_i', 'write_address_i', 'write_data_i'].map(port);
    const [readAddress, readData] = [port('read_address_i'), port('read_data_o')];
    const random = createRandom(depth);
    const words: (number | undefined)[] = new Array(depth).fill(undefined);
    // What was asked one and two cycles ago.
    let asked: number | undefined;
    let checked = 0;
    for (let cycle = 0; cycle < 4000; cycle++) {
      const read = random() % depth;
      const write = random() % depth;
      const value = random() >>> 0;
      readAddress.set(read);
      writeAddress!.set(write);
      writeData!.set(value);
      enable!.set(cycle < depth || random() % 3 === 0 ? 1 : 0);
      const before = words[read];
      if (enable!.get() === 1) words[write] = value;
      sim.tick();
      if (asked !== undefined) {
        expect(readData.get(), `cycle ${cycle}`).toBe(asked);
        checked++;
      }
      asked = before;
    }
    expect(checked).toBeGreaterThan(3000);
  });
});
