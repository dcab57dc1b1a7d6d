import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { MachineDevice } from '../../../src/host/index.ts';
import { assemble, programImage, serializeImage } from '../../../src/isa/index.ts';
import { describeWith } from '../../describeWith.ts';
import { hardware } from '../../hw/models.ts';
import { type Board, bufferBase, fakeBoard, type Outcome, shell } from './board.ts';
import { serveDevice } from './serveDevice.ts';

const hw = hardware('tiny');
const memoryBytes = 2 ** 20;

/** Adds its prompt's tokens up, which lie in the command block. */
const adding = `
.command 4
    ld r1, 64
    ld r2, 68
    add r3, r1, r2
    emit r1
    emit r3
    halt
`;

describeWith('python3')('the accelerator in a notebook on PYNQ', () => {
  let board: Board;
  let stop: () => Promise<void>;
  let image: string;
  beforeEach(async () => {
    board = fakeBoard(hw, memoryBytes);
    stop = await serveDevice(new MachineDevice(hw, { memoryBytes, memoryBase: bufferBase }), board.socket);
    image = join(board.folder, 'model.lutra');
    const program = programImage(assemble(adding, 'adding.lasm', { hw }), hw);
    writeFileSync(image, Buffer.concat([...serializeImage(program)]));
  });
  afterEach(async () => {
    await stop();
    board.end();
  });

  const notebook = (lines: string): Promise<Outcome> => {
    const args = [join(import.meta.dirname, 'fakePynq.py'), board.host, board.root, board.socket, lines];
    return shell(['python3', '-B', ...args].map((each) => `'${each.replaceAll("'", "'\\''")}'`).join(' '));
  };

  it('gives tokens in the five lines of docs/board.md', async () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/board.md'), 'utf8');
    const lines = /```python\n(from lutra_pynq [\s\S]*?)```/.exec(page)?.[1] ?? '';
    expect(lines.trim().split('\n')).toHaveLength(5);
    const here = lines
      .replace('../model.lutra', image)
      .replace('512 << 20', String(memoryBytes))
      .replace('[0, 399, 403, 259, 373]', '[1, 41]');
    const { stdout, stderr, status } = await notebook(here);
    expect([stdout, stderr, status]).toEqual(['1\n42\n', '', 0]);
  });

  it('waits for the interrupt where Linux shows it', async () => {
    const { stdout, stderr } = await notebook(`
from lutra_pynq import PynqDevice
from lutra_driver import Accelerator
from lutra_image import Image
device = PynqDevice("a.bit", ${memoryBytes - 1}, board, "lutra")
print(device.name, device.memory_bytes, device.wait_interrupt(1))
accelerator = Accelerator(device)
accelerator.load(Image("${image}"))
print(list(accelerator.generate([5, 6])), accelerator.status()["halted"], accelerator.cycles() > 0)
device.write_memory(200, b"written by the host")
remote.ask(4, (205).to_bytes(8, "little") + b"BY THE MACHINE")
print(device.read_memory(199, 21))
device.close()
`);
    const lines = [`PYNQ with 1 MiB ${memoryBytes} False`, '[5, 11] 1 True', "b'\\x00writtBY THE MACHINE\\x00'"];
    expect([stdout.trim().split('\n'), stderr]).toEqual([lines, '']);
  });

  it('says what is missing', async () => {
    const { stdout, stderr } = await notebook(`
import sys
import pynq
from lutra_pynq import PynqDevice
from lutra_system import LutraError
def tried(change):
    try:
        change()
        print("nothing")
    except LutraError as error:
        print(error)
def no_memory(*_, **__):
    raise MemoryError
class Other:
    ip_dict = {"dma": {}}
tried(lambda: PynqDevice(Other(), 4096))
tried(lambda: PynqDevice("a.bit", 4096).read_memory(4090, 7))
pynq.allocate = no_memory
tried(lambda: PynqDevice("a.bit", 4097))
sys.modules["pynq"] = None
tried(lambda: PynqDevice("a.bit", 4096))
`);
    expect(stderr).toBe('');
    expect(stdout.trim().split('\n')).toEqual([
      'the design has no cell lutra, only dma (is the .hwh file that of this export?)',
      'bytes 4090 to 4097 are not in the buffer, which has 4096 (give PynqDevice more memory_bytes)',
      'there are no 8192 bytes of contiguous memory (free other buffers, or give Linux more by cma=… among its boot arguments)',
      'there is no package pynq (on Ubuntu without PYNQ use lutra_host.py)',
    ]);
  });
});
