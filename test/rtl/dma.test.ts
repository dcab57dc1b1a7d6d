import fc from 'fast-check';
import { expect, it } from 'vitest';
import { derive, powerOfTwoUp } from '../../src/hw/derive.ts';
import type { HardwareModel } from '../../src/hw/schema.ts';
import { memoryFormatBytes } from '../../src/isa/footprint.ts';
import { type MemoryFormat, memoryFormats, type Space, spaces } from '../../src/isa/table.ts';
import { createBuffers, decodeElements, elementsOf, encodeElements } from '../../src/machine/kernel/buffers.ts';
import { Ports, portMask } from '../../src/machine/kernel/ports.ts';
import { describeVerilog } from '../describeWith.ts';
import { bufferView } from './bufferView.ts';
import { Bench, buildBench, type Job, memoryBytes } from './memoryBench.ts';
import { opOf, randomBytes, rivalry, rivalsOf, wordsOf } from './memoryTraffic.ts';
import { smallModels } from './models.ts';

const readPorts = { act: 0, coef: portMask.coefRead, input: portMask.inputRead, acc: portMask.accRead };
const writePorts = { act: 0, coef: 0, input: portMask.inputWrite, acc: portMask.accWrite };
type Buffer = keyof typeof readPorts;
const names = Object.keys(readPorts) as Buffer[];

/** Random legal transfers inside small buffers and memory. */
function transfers(hw: HardwareModel) {
  const derived = derive(hw);
  const { portBytes } = derived;
  const formats: Record<Buffer, MemoryFormat[]> = {
    act: ['float32', 'bfloat16', 'float16'],
    coef: ['float32', 'bfloat16', 'float16'],
    input: ['int8'],
    acc: ['int32'],
  };
  const room = Object.fromEntries(
    names.map((name) => [name, elementsOf(createBuffers(hw, derived), name)?.length as number]),
  ) as Record<Buffer, number>;
  return fc
    .record({
      verb: fc.constantFrom('load', 'gather', 'store'),
      space: fc.constantFrom(...names),
      format: fc.nat(2),
      elements: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 24 * portBytes })),
      rows: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 6 })),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      slack: fc.nat(3),
      remote: fc.double({ min: 0, max: 1, noNaN: true }),
      strideBeats: fc.nat(40),
      page: fc.boolean(),
      gap: fc.oneof(fc.constant(0), fc.nat(20)),
    })
    .map(({ verb, space, format, elements, rows, at, slack, remote, strideBeats, page, gap }) => {
      const list = formats[space];
      const name = list[format % list.length] as MemoryFormat;
      const size = memoryFormatBytes[name];
      const step = Math.max(1, portBytes / size);
      const pitch = (Math.ceil(elements / step) + slack) * step;
      const most = Math.max(1, Math.min(rows, Math.floor(room[space] / pitch)));
      const count = Math.min(elements, room[space]);
      const span = (most - 1) * pitch + count;
      const local = Math.floor(((room[space] - span) * at) / step) * step;
      const rowBytes = count * size;
      const unit =
        verb === 'gather'
          ? Math.max(portBytes, Math.min(derived.gatherAlignmentBytes, powerOfTwoUp(rowBytes)))
          : portBytes;
      const stride = Math.ceil((rowBytes + strideBeats * portBytes) / unit) * unit;
      const spare = memoryBytes / 2 - ((most - 1) * stride + rowBytes) - 4096;
      // Often shortly before a page's end, where bursts are cut.
      const near = page && verb !== 'gather' ? 4096 - portBytes : 0;
      const address = Math.floor((Math.max(0, spare) * remote) / unit) * unit;
      const base = near > 0 ? Math.floor(address / 4096) * 4096 + near : address;
      return { verb, space, name, local, remote: base, elements: count, rows: most, stride, pitch, rowBytes, gap };
    });
}

describeVerilog.each(smallModels)('dma of $name', (hw) => {
  const derived = derive(hw);
  const built = buildBench(hw);

  it('moves the same elements with the same bursts in the same cycles as the machine', {
    timeout: 120_000,
  }, async () => {
    const module = await built;
    fc.assert(
      fc.property(
        fc.array(transfers(hw), { minLength: 1, maxLength: 12 }),
        fc.integer(),
        rivalry,
        (list, seed, rivalPlaces) => {
          const sim = module.instantiate();
          const expected = createBuffers(hw, derived);
          const image = randomBytes(memoryBytes, seed);
          const jobs = list.map((entry): Job => {
            const { verb, space, name, local, remote, elements, rows, stride, pitch, rowBytes, gap } = entry;
            const write = verb === 'store';
            return {
              unit: 'dma',
              op: opOf(`dma.${verb}`),
              words: wordsOf(`dma.${verb}`, [
                spaces.indexOf(space as Space),
                memoryFormats.indexOf(name),
                local,
                remote,
                elements,
                rows,
                stride,
                pitch,
              ]),
              gap,
              ports:
                space === 'act'
                  ? new Ports(hw).act[write ? 'read' : 'write'](local)
                  : (write ? readPorts : writePorts)[space],
              transfer: { write, gather: verb === 'gather', stream: { address: remote, rowBytes, rows, stride } },
              effect: () => {
                const buffer = elementsOf(expected, space) as Float32Array;
                for (let row = 0; row < rows; row++) {
                  const address = remote + row * stride;
                  const offset = local + row * pitch;
                  if (write) image.set(encodeElements(buffer, offset, elements, name), address);
                  else decodeElements(image.subarray(address, address + rowBytes), name, hw, space, buffer, offset);
                }
              },
            };
          });
          const bench = new Bench(hw, sim, jobs, rivalsOf(hw, rivalPlaces));
          bench.image.set(image);
          const view = bufferView(sim, hw);
          for (const name of names) view.clear(name);
          bench.reset();
          bench.run();
          expect(Buffer.from(bench.image).equals(Buffer.from(image)), 'memory').toBe(true);
          for (const name of names)
            expect(view.differences(name, elementsOf(expected, name) as Float32Array)).toEqual([]);
        },
      ),
      { numRuns: 12 },
    );
  });
});
