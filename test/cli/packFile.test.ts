import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it, vi } from 'vitest';
import { LutraError } from '../../src/base/diagnostics.ts';
import { openGraph, openModelDirectory, planModel } from '../../src/cli/modelSource.ts';
import { type Helpers, packFile } from '../../src/cli/packFile.ts';
import { packerOf, packingModule } from '../../src/cli/packKernels.ts';
import { machine } from '../compiler/models.ts';
import { smallConfig, temporaryDirectory } from './capture.ts';

const directory = temporaryDirectory();
const path = join(directory, 'config.json');
// Enough weights that other threads are worth their start.
const large = { ...smallConfig, hidden_size: 512, intermediate_size: 1024, num_attention_heads: 8, vocab_size: 40_000 };
writeFileSync(path, JSON.stringify({ ...large, num_hidden_layers: 3 }));
const hw = machine('kv260');
const options = { fuse: true, weights: 'synthetic:3' };
const module = await packingModule();
const { weights, pack } = packerOf(module);
const graph = openGraph(openModelDirectory(path), options, { kernels: weights });
const program = planModel(graph, hw, options, pack);
const source = { path, digest: graph.digest, hw, options, module };

/** Packs, and gives the file’s bytes, or why there is none. */
async function packed(helpers?: Helpers): Promise<Buffer | string> {
  const file = join(directory, 'x.img');
  const before = readdirSync(directory);
  try {
    await packFile(file, program, () => {}, helpers);
    return readFileSync(file);
  } catch (error) {
    if (!(error instanceof LutraError)) throw error;
    expect(readdirSync(directory)).toEqual(before);
    return error.message;
  }
}

/** A thread's program of this text. */
function helper(name: string, text: string): Helpers {
  const file = join(directory, name);
  writeFileSync(file, text);
  return { count: 2, source, program: pathToFileURL(file) };
}

const alone = (await packed()) as Buffer;

it.each([0, 1, 3])('with %i more threads the image has the same bytes', async (count) => {
  const image = await packed({ count, source });
  expect(Buffer.compare(image as Buffer, alone)).toBe(0);
});

it('without the kernels the image has the same bytes', async () => {
  const plain = packerOf(undefined);
  const file = join(directory, 'plain.img');
  const slow = planModel(openGraph(openModelDirectory(path), options), hw, options, plain.pack);
  await packFile(file, slow, () => {}, { count: 1, source: { ...source, module: undefined } });
  expect(Buffer.compare(readFileSync(file), alone)).toBe(0);
});

const takes = `import { workerData } from 'node:worker_threads';
Atomics.add(workerData.queue.counts, 0, 1);
`;

it.each([
  ['that throws', `${takes} throw new Error('no more memory');`, 'no more memory'],
  ['that exits', `${takes} process.exit(7);`, 'exit code 7'],
  ['that ends without its job done', takes, 'it ended early'],
])('a thread %s ends packing with its reason', async (_name, text, reason) => {
  expect(await packed(helper('dies.mjs', text))).toBe(`error[CLI012] a thread that packs weights died: ${reason}`);
});

it('what a thread finds wrong with the model is what packing finds wrong', async () => {
  const text = `import { parentPort } from 'node:worker_threads';
parentPort.postMessage({ diagnostics: [{ code: 'MDL017', message: 'a weight is bad', place: { file: 'm' } }] });`;
  expect(await packed(helper('finds.mjs', takes + text))).toBe('error[MDL017] m a weight is bad');
});

it('where there is no SIMD the plain functions pack, and one line says so', async () => {
  const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const validate = vi.spyOn(WebAssembly, 'validate').mockReturnValue(false);
  try {
    expect(await packingModule()).toBeUndefined();
    expect(said.mock.calls).toEqual([
      ['no WebAssembly SIMD on this host: weights are packed by the plain functions, the same but slower\n'],
    ]);
  } finally {
    validate.mockRestore();
    said.mockRestore();
  }
});

it('where threads cannot be started one packs everything, and says so', async () => {
  const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    const image = await packed({ count: 1, source, program: new URL('https://example.org/helper.mjs') });
    expect(Buffer.compare(image as Buffer, alone)).toBe(0);
    expect(said.mock.calls.map(([text]) => text).join('')).toMatch(
      /^no threads on this host \(.+\): weights are packed by one\n$/,
    );
  } finally {
    said.mockRestore();
  }
});
