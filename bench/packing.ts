/**
 * How fast models are packed, in bytes of the weight file as it lies there: `npx tsx bench/packing.ts [LAYERS [RUNS [WEIGHTS]]]`.
 * Models of BitNet 0.73B's shape with LAYERS layers (default 8) and random weights, in full precision (bfloat16), packed
 * (four weights to a byte) and made up (no file: bytes as if packed), or only one of them; threads 1 and as many as there are; the best of RUNS.
 * From the open model to the image in a cache directory; the operating system may keep the weight file in memory.
 */
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { mix } from '../src/base/hash.ts';
import { serializeSafetensorsHeader } from '../src/base/safetensors.ts';
import { compileModel } from '../src/cli/compileModel.ts';
import { defaultHardware, readText } from '../src/cli/files.ts';
import { loadHardwareModel } from '../src/hw/index.ts';

const [layers = 8, runs = 3] = process.argv.slice(2, 4).map(Number);
const [, , , , wanted = ''] = process.argv;
const bitnet = JSON.parse(readText('models/bitnet-0.73b/config.json'));
const hw = loadHardwareModel(readText(defaultHardware), defaultHardware, []);
const root = mkdtempSync(join(tmpdir(), 'lutra-packing-'));
process.on('exit', () => rmSync(root, { recursive: true, force: true }));

interface Tensor {
  readonly name: string;
  readonly dtype: 'BF16' | 'U8';
  readonly shape: readonly number[];
}

const { hidden_size: hidden, intermediate_size: inner, vocab_size: vocabulary } = bitnet;
const matrices: [string, number, number][] = [
  ...['q', 'k', 'v', 'o'].map((name): [string, number, number] => [`self_attn.${name}_proj`, hidden, hidden]),
  ['mlp.gate_proj', inner, hidden],
  ['mlp.up_proj', inner, hidden],
  ['mlp.down_proj', hidden, inner],
];

function tensorsOf(packed: boolean): Tensor[] {
  const dense = (name: string, ...shape: number[]): Tensor => ({ name: `${name}.weight`, dtype: 'BF16', shape });
  const layer = (index: number) => [
    ...['input_layernorm', 'post_attention_layernorm'].map((name) => dense(`model.layers.${index}.${name}`, hidden)),
    ...matrices.flatMap(([matrix, rows, columns]): Tensor[] => {
      const name = `model.layers.${index}.${matrix}`;
      if (!packed) return [dense(name, rows, columns)];
      const weight = `${name}.weight`;
      return [
        { name: weight, dtype: 'U8', shape: [rows / 4, columns] },
        { name: `${weight}_scale`, dtype: 'BF16', shape: [1] },
      ];
    }),
  ];
  return [
    dense('model.embed_tokens', vocabulary, hidden),
    dense('model.norm', hidden),
    ...Array.from({ length: layers }, (_, index) => layer(index)).flat(),
  ];
}

/** Random bytes of legal weights. */
function chunkOf(dtype: Tensor['dtype'], seed: number): Uint8Array {
  const halves = new Uint16Array(2 ** 19);
  for (let i = 0; i < halves.length; i++) {
    const random = mix(seed + i);
    // Magnitudes from 2^-9 to 2^-1.
    halves[i] = ((random & 0x8000) | 0x3b00) + ((random >>> 16) & 0x3ff);
  }
  const bytes = new Uint8Array(halves.buffer);
  // No code is 3.
  return dtype === 'BF16' ? bytes : bytes.map((byte) => byte & ~((byte & 0xaa) >> 1));
}

function makeModel(name: string, packed: boolean): { path: string; bytes: number } {
  const path = join(root, name);
  mkdirSync(path);
  const quantization = { quant_method: 'bitnet', linear_class: 'autobitlinear', quantization_mode: 'offline' };
  const config = { ...bitnet, num_hidden_layers: layers, ...(packed && { quantization_config: quantization }) };
  writeFileSync(join(path, 'config.json'), JSON.stringify(config));
  const tensors = tensorsOf(packed).map((tensor) => ({
    ...tensor,
    bytes: tensor.shape.reduce((a, b) => a * b, 1) * (tensor.dtype === 'U8' ? 1 : 2),
  }));
  const file = join(path, 'model.safetensors');
  const descriptor = openSync(file, 'w');
  writeSync(descriptor, serializeSafetensorsHeader(tensors, { format: 'pt' }));
  for (const { name: tensor, dtype, bytes } of tensors) {
    if (tensor.endsWith('_scale')) writeSync(descriptor, Uint8Array.of(0x80, 0x3f));
    else {
      const chunk = chunkOf(dtype, tensor.length);
      for (let at = 0; at < bytes; at += chunk.length)
        writeSync(descriptor, chunk, 0, Math.min(chunk.length, bytes - at));
    }
  }
  closeSync(descriptor);
  return { path, bytes: statSync(file).size };
}

const kinds = [
  { name: 'full precision', packed: false, weights: undefined },
  { name: 'packed', packed: true, weights: undefined },
  { name: 'made up', packed: true, weights: 'synthetic:1' },
].filter(({ name }) => name.startsWith(wanted));

console.log(`${layers} layers of BitNet 0.73B on ${hw.name}, best of ${runs}\n`);
console.log('weights          threads   source MB   seconds   MB/s   CPU seconds');
for (const { name, packed, weights } of kinds) {
  const { path, bytes } = makeModel(name, packed);
  for (const threads of new Set([1, availableParallelism()])) {
    let best = Number.POSITIVE_INFINITY;
    let work = Number.POSITIVE_INFINITY;
    for (let run = 0; run < runs; run++) {
      const cache = join(root, 'cache');
      process.env['LUTRA_CACHE'] = cache;
      rmSync(cache, { recursive: true, force: true });
      const options = { fuse: true, threads, ...(weights === undefined ? {} : { weights }) };
      const startedAt = performance.now();
      const cpuAt = process.cpuUsage();
      await compileModel(path, hw, options, () => {});
      best = Math.min(best, (performance.now() - startedAt) / 1000);
      const { user, system } = process.cpuUsage(cpuAt);
      work = Math.min(work, (user + system) / 1e6);
    }
    const megabytes = bytes / 1e6;
    console.log(
      `${name.padEnd(17)}${String(threads).padStart(7)}${megabytes.toFixed(0).padStart(12)}${best.toFixed(2).padStart(10)}${(megabytes / best).toFixed(0).padStart(7)}${work.toFixed(2).padStart(14)}`,
    );
  }
}
console.log(`\npeak memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`);
