import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ByteSource } from '../../src/base/safetensors.ts';
import { loadModel, type ModelDirectory, type TernaryTensor } from '../../src/model/index.ts';
import { digestSource } from '../../src/model/weightFiles.ts';
import {
  directoryOf,
  directoryOnDisk,
  type Files,
  filled,
  messageOf,
  pack,
  type SmallOptions,
  safetensors,
  smallConfig,
  smallTensors,
  type TensorData,
  ternStories,
} from './files.ts';

const quantization = (linearClass: string) => ({
  quant_method: 'bitnet',
  linear_class: linearClass,
  quantization_mode: 'offline',
});

function config(changes: Record<string, unknown> = {}): string {
  return JSON.stringify({ ...smallConfig, ...changes });
}

/** A small model whose tensors are changed by `edit`. */
function small(
  changes: Record<string, unknown> = {},
  options: SmallOptions = {},
  edit = (tensors: TensorData[]) => tensors,
) {
  return directoryOf('m', {
    'config.json': config(changes),
    'model.safetensors': safetensors(edit(smallTensors(options))),
  });
}

const all = (tensor: TernaryTensor) => [...tensor.readRows(0, tensor.rows)];

describe('the small real model', () => {
  const graph = loadModel(directoryOnDisk(ternStories));

  it('has the weights that its card counts', () => {
    expect(graph.name).toBe('tern-stories-5m');
    expect(graph.digest).toMatch(/^[0-9a-f]{64}$/);
    const linears = graph.layers.flatMap((l) => [l.query, l.key, l.value, l.output, l.gate, l.up, l.down]);
    let zeros = 0;
    let count = 0;
    for (const tensor of linears) {
      const weights = tensor.readRows(0, tensor.rows);
      count += weights.length;
      for (const w of weights) if (w === 0) zeros++;
    }
    expect(count).toBe(4_718_592);
    expect(zeros / count).toBeCloseTo(0.342, 3);
    expect(graph.head).toBe(graph.embedding);
    expect(graph.embedding.readRows(0, 2048)).toHaveLength(524_288);
    expect(graph.layers[0]?.attentionSubNorm?.shape).toEqual([256]);
    expect(graph.layers[5]?.ffnSubNorm?.shape).toEqual([768]);
  });

  it('gives any rows as they are in the whole', () => {
    const { gate } = graph.layers[2] as (typeof graph.layers)[number];
    const whole = gate.readRows(0, gate.rows);
    fc.assert(
      fc.property(fc.nat({ max: gate.rows }), fc.nat({ max: gate.rows }), (a, b) => {
        const [first, end] = a < b ? [a, b] : [b, a];
        // Compared as bytes: `toEqual` is slow on large arrays.
        const expected = whole.subarray(first * gate.columns, end * gate.columns);
        expect(Buffer.from(gate.readRows(first, end - first)).equals(Buffer.from(expected))).toBe(true);
      }),
    );
    expect(graph.embedding.readRows(7, 2)).toEqual(graph.embedding.readRows(0, 9).slice(7 * 256));
  });
});

describe('layouts of weight files', () => {
  it('unpacks ternary weights and multiplies or divides by their scale', () => {
    const weight = (i: number) => ((i * 5 + (i >> 3)) % 3) - 1;
    const load = (linearClass: string) =>
      loadModel(small({ quantization_config: quantization(linearClass) }, { packed: true, weight, scale: 0.75 }));
    const multiply = load('autobitlinear').layers[1];
    expect(multiply?.key.scale).toBe(0.75);
    expect(load('bitlinear').layers[1]?.key.scale).toBe(Math.fround(1 / 0.75));
    for (const role of ['query', 'key', 'value', 'output', 'gate', 'up', 'down'] as const) {
      const tensor = multiply?.[role] as TernaryTensor;
      expect(all(tensor)).toEqual(Array.from({ length: tensor.rows * tensor.columns }, (_, i) => weight(i)));
    }
  });

  it('unpacks matrices whose rows are no multiple of four', () => {
    const graph = loadModel(
      small(
        { quantization_config: quantization('autobitlinear'), intermediate_size: 10 },
        { packed: true },
        (tensors) =>
          tensors.map((t) => {
            const weights = Array.from({ length: 80 }, (_, i) => (i % 3) - 1);
            if (/(gate|up)_proj.weight$/.test(t.name)) return { ...t, shape: [3, 8], data: pack(weights, 10, 8) };
            if (t.name.endsWith('down_proj.weight')) return { ...t, shape: [2, 10], data: pack(weights, 8, 10) };
            if (t.name.endsWith('ffn_sub_norm.weight')) return filled(t.name, 'F32', [10], () => 1);
            return t;
          }),
      ),
    );
    expect(all(graph.layers[0]?.gate as TernaryTensor)).toEqual(Array.from({ length: 80 }, (_, i) => (i % 3) - 1));
  });

  it('quantises full-precision weights by their absolute mean', () => {
    const weight = (i: number) => Math.fround(Math.sin(i * i) * (i % 5 === 0 ? 0.02 : 0.3));
    const { up } = loadModel(small({}, { weight })).layers[0] as { up: TernaryTensor };
    const master = Array.from({ length: 96 }, (_, i) => weight(i));
    const mean = Math.fround(master.reduce((sum, w) => sum + Math.abs(w), 0) / 96);
    expect(up.scale).toBe(mean);
    expect(all(up)).toEqual(master.map((w) => Math.max(-1, Math.min(1, Math.round(w / mean)) + 0)));
    expect(new Set(all(up))).toEqual(new Set([-1, 0, 1]));
    expect([...up.readRows(3, 2)]).toEqual(all(up).slice(24, 40));
  });

  it('gives weights of zero the smallest scale', () => {
    const { up } = loadModel(small({}, { weight: () => 0 })).layers[0] as { up: TernaryTensor };
    expect(up.scale).toBe(Math.fround(1e-5));
    expect(new Set(all(up))).toEqual(new Set([0]));
  });

  it('reads bfloat16, float16 and float32 exactly', () => {
    const half = new Uint8Array(
      new Uint16Array([0x3c00, 0xc000, 0x0001, 0x3555, 0x7bff, 0x8000, 0x0400, 0x3800]).buffer,
    );
    const graph = loadModel(
      small({}, {}, (tensors) =>
        tensors.map((t) => (t.name === 'model.norm.weight' ? { ...t, dtype: 'F16', data: half } : t)),
      ),
    );
    expect([...graph.finalNorm.readRows(0, 8)]).toEqual([1, -2, 2 ** -24, 0.333251953125, 65504, -0, 2 ** -14, 0.5]);
    expect([...(graph.layers[0]?.inputNorm.readRows(2, 2) ?? [])]).toEqual([1 + 2 / 64, 1 + 3 / 64]);
    expect([...graph.embedding.readRows(1, 1)]).toEqual(
      Array.from({ length: 8 }, (_, i) => Math.fround(Math.sin(8 + i))),
    );
  });

  it('takes LLaMA naming, with its other sub-norms or without', () => {
    const other = loadModel(
      small(
        { architectures: ['BitnetForCausalLM'], hidden_act: 'silu' },
        { subNorms: ['self_attn.inner_attn_ln', 'mlp.ffn_layernorm'] as const },
      ),
    );
    expect(other.layers[1]?.attentionSubNorm?.name).toBe('model.layers.1.self_attn.inner_attn_ln.weight');
    expect(other.layers[1]?.ffnSubNorm?.shape).toEqual([12]);
    const { subNorms: _, ...none } = { subNorms: undefined };
    const without = loadModel(small({}, none, (tensors) => tensors.filter(({ name }) => !name.includes('_sub_norm'))));
    expect(without.layers[0]).not.toHaveProperty('attentionSubNorm');
    expect(without.layers[0]).not.toHaveProperty('ffnSubNorm');
  });

  it('has a head of its own when untied, and ignores a repeated one when tied', () => {
    const untied = loadModel(small({ tie_word_embeddings: false }, { tied: false }));
    expect(untied.head.name).toBe('lm_head.weight');
    const tied = loadModel(small({}, { tied: false }));
    expect(tied.head).toBe(tied.embedding);
  });

  const shards = (): Files => {
    const tensors = smallTensors();
    const half = tensors.length >> 1;
    const map = Object.fromEntries(tensors.map(({ name }, i) => [name, i < half ? 'a.safetensors' : 'b.safetensors']));
    return {
      'config.json': config(),
      'model.safetensors.index.json': JSON.stringify({ metadata: {}, weight_map: map }),
      'a.safetensors': safetensors(tensors.slice(0, half)),
      'b.safetensors': safetensors(tensors.slice(half)),
    };
  };

  it('reads shards through their index, to the same weights', () => {
    const sharded = loadModel(directoryOf('m', shards()));
    const single = loadModel(small());
    expect(sharded.layers.map(({ down }) => all(down))).toEqual(single.layers.map(({ down }) => all(down)));
    expect(sharded.digest).not.toBe(single.digest);
  });

  it('names what is wrong with shards', () => {
    const message = (changes: Files) => messageOf(() => loadModel(directoryOf('m', { ...shards(), ...changes })));
    const index = 'model.safetensors.index.json';
    const map = (weights: unknown) => message({ [index]: JSON.stringify({ weight_map: weights }) });
    expect(message({ 'b.safetensors': undefined })).toBe(
      'error[MDL012] m/model.safetensors.index.json the shard b.safetensors is missing',
    );
    expect(map([])).toBe(
      'error[MDL011] m/model.safetensors.index.json:1:15 weight_map is not an object of tensor names and files',
    );
    expect(map({})).toBe('error[MDL011] m/model.safetensors.index.json:1:15 weight_map is empty');
    expect(map({ a: '../x.safetensors' })).toBe(
      'error[MDL011] m/model.safetensors.index.json:1:20 "../x.safetensors" is not the name of a safetensors file in this directory',
    );
    expect(map({ a: 3 })).toBe(
      'error[MDL011] m/model.safetensors.index.json:1:20 "3" is not the name of a safetensors file in this directory',
    );
    expect(map({ x: 'a.safetensors' })).toBe(
      'error[MDL013] m/a.safetensors tensor "x" is not in this file, where model.safetensors.index.json says it is',
    );
    expect(message({ [index]: undefined })).toBe(
      'error[MDL010] m there is neither model.safetensors nor model.safetensors.index.json (use --weights synthetic:SEED to run without weights)',
    );
  });
});

describe('weight files that are refused', () => {
  const edited = (edit: (tensor: TensorData) => TensorData | undefined, changes = {}, options: SmallOptions = {}) =>
    small(changes, options, (tensors) => tensors.map(edit).filter((tensor) => tensor !== undefined));
  const change = (name: string, to: TensorData | undefined, changes = {}, options: SmallOptions = {}) =>
    edited((tensor) => (tensor.name === name ? to : tensor), changes, options);
  const key = 'model.layers.1.self_attn.k_proj.weight';
  const packed = { quantization_config: quantization('autobitlinear') };
  const cases: [title: string, directory: ModelDirectory, message: string][] = [
    ['a missing tensor', change(key, undefined), `MDL014] m/model.safetensors tensor "${key}" is missing`],
    [
      'a missing head',
      small({ tie_word_embeddings: false }),
      'MDL014] m/model.safetensors tensor "lm_head.weight" is missing',
    ],
    [
      'a wrong shape',
      change(
        key,
        filled(key, 'F32', [4, 9], () => 0),
      ),
      `MDL016] m/model.safetensors tensor "${key}" has shape [4, 9], config.json needs [4, 8]`,
    ],
    [
      'a wrong rank',
      change(
        key,
        filled(key, 'F32', [4, 8, 1], () => 0),
      ),
      `MDL016] m/model.safetensors tensor "${key}" has shape [4, 8, 1], config.json needs [4, 8]`,
    ],
    [
      'a wrong dtype',
      change(
        key,
        filled(key, 'U8', [4, 8], () => 0),
      ),
      `MDL015] m/model.safetensors tensor "${key}" is U8, expected BF16 or F16 or F32`,
    ],
    [
      'unpacked weights in a packed model',
      small(packed),
      'MDL015] m/model.safetensors tensor "model.layers.0.self_attn.q_proj.weight" is F32, expected U8',
    ],
    [
      'a missing scale',
      change(`${key}_scale`, undefined, packed, { packed: true }),
      `MDL014] m/model.safetensors tensor "${key}_scale" is missing`,
    ],
    [
      'a scale of zero',
      change(
        `${key}_scale`,
        filled(`${key}_scale`, 'BF16', [1], () => 0),
        packed,
        { packed: true },
      ),
      `MDL017] m/model.safetensors tensor "${key}_scale" is 0, a scale must be above 0`,
    ],
    [
      'a bias',
      small({}, {}, (t) => [...t, filled('model.layers.0.self_attn.k_proj.bias', 'F32', [4], () => 0)]),
      'MDL018] m/model.safetensors tensor "model.layers.0.self_attn.k_proj.bias" has no place in this architecture',
    ],
    [
      'more layers than config.json says',
      small({ num_hidden_layers: 1 }),
      'MDL018] m/model.safetensors tensor "model.layers.1.input_layernorm.weight" has no place in this architecture',
    ],
    [
      'sub-norms in some layers only',
      edited((t) => (t.name.startsWith('model.layers.1.mlp.ffn_sub') ? undefined : t)),
      'MDL014] m/model.safetensors tensor "model.layers.1.mlp.ffn_sub_norm.weight" is missing',
    ],
    [
      'one of two sub-norms',
      edited((t) => (t.name.includes('attn_sub_norm') ? undefined : t)),
      'MDL014] m/model.safetensors tensor "model.layers.0.self_attn.attn_sub_norm.weight" is missing',
    ],
    [
      'a file that is no safetensors',
      directoryOf('m', { 'config.json': config(), 'model.safetensors': 'oops' }),
      'ST002] m/model.safetensors the file has 4 bytes, too few for the 8-byte header length (is the download complete?)',
    ],
  ];
  for (const [title, directory, message] of cases) {
    it(title, () => expect(messageOf(() => loadModel(directory))).toBe(`error[${message}`));
  }

  it('values that are no weights, when they are read', () => {
    const codes = change(
      key,
      filled(key, 'U8', [1, 8], (i) => (i === 5 ? 0b0011_0101 : 0)),
      packed,
      { packed: true },
    );
    expect(messageOf(() => loadModel(codes).layers[1]?.key.readRows(0, 4))).toBe(
      `error[MDL017] m/model.safetensors tensor "${key}" has the code 3 at row 2, column 5, which is no ternary weight`,
    );
    const nan = change(
      key,
      filled(key, 'F32', [4, 8], (i) => (i === 9 ? Number.NaN : 1)),
    );
    expect(messageOf(() => loadModel(nan).layers[1]?.key.scale)).toBe(
      `error[MDL017] m/model.safetensors element 9 of tensor "${key}" is NaN`,
    );
    const infinite = change(
      'model.norm.weight',
      filled('model.norm.weight', 'BF16', [8], (i) => (i === 3 ? -Infinity : 1)),
    );
    expect(messageOf(() => loadModel(infinite).finalNorm.readRows(2, 4))).toBe(
      'error[MDL017] m/model.safetensors element 3 of tensor "model.norm.weight" is -Infinity',
    );
  });

  it('row ranges outside of a tensor', () => {
    const graph = loadModel(small());
    expect(messageOf(() => graph.embedding.readRows(9, 2))).toMatch(/^error\[ST016\]/);
    expect(messageOf(() => graph.layers[0]?.key.readRows(3, 2))).toMatch(/^error\[MDL022\]/);
    const inPacked = loadModel(small(packed, { packed: true })).layers[0]?.gate;
    expect(messageOf(() => inPacked?.readRows(11, 2))).toBe(
      'error[MDL022] rows 11 to 13 are outside of the 12 rows of tensor "model.layers.0.mlp.gate_proj.weight"',
    );
    expect(messageOf(() => inPacked?.readRows(-1, 1))).toMatch(/^error\[MDL022\]/);
  });
});

describe('weight files under mutation', () => {
  it('load or are refused in one line', () => {
    const valid = safetensors(smallTensors({ packed: true }));
    const configText = config({ quantization_config: quantization('autobitlinear') });
    const bits = 8 * valid.length;
    const dataBits = 8 * smallTensors({ packed: true }).reduce((sum, { data }) => sum + data.length, 0);
    // Most of a small file is header: half of the changes go to the data.
    const bit = fc.oneof(fc.nat({ max: bits - 1 }), fc.integer({ min: bits - dataBits, max: bits - 1 }));
    const outcomes = { loaded: 0, refused: 0 };
    fc.assert(
      fc.property(fc.array(bit, { minLength: 1, maxLength: 3 }), fc.nat({ max: 400 }), (flips, cut) => {
        // One file in four is cut short as well.
        const bytes = valid.slice(0, valid.length - (cut < 100 ? cut : 0));
        for (const flip of flips)
          if (flip >> 3 < bytes.length) bytes[flip >> 3] = (bytes[flip >> 3] as number) ^ (1 << (flip & 7));
        const message = messageOf(() => {
          const graph = loadModel(directoryOf('m', { 'config.json': configText, 'model.safetensors': bytes }));
          for (const { query, down } of graph.layers)
            for (const tensor of [query, down]) tensor.readRows(0, tensor.rows);
          graph.embedding.readRows(0, 10);
        });
        outcomes[message === 'no error' ? 'loaded' : 'refused']++;
        if (message !== 'no error') expect(message).toMatch(/^error\[(ST|MDL)0\d\d\] m\/model\.safetensors [^\n]+$/);
      }),
      { numRuns: 500 },
    );
    expect(outcomes.loaded).toBeGreaterThan(20);
    expect(outcomes.refused).toBeGreaterThan(100);
  });
});

describe('digests', () => {
  it('depend on every byte of a small file and on the configuration', () => {
    const digest = (directory: ModelDirectory) => loadModel(directory).digest;
    expect(digest(small())).toBe(digest(small()));
    expect(digest(small())).not.toBe(digest(small({}, { weight: (i) => (i === 60 ? 0.5 : ((i * 7) % 3) - 1) })));
    expect(digest(small())).not.toBe(digest(small({ rope_theta: 20000 })));
  });

  it('of large files read samples only', () => {
    const size = 3 * 2 ** 30;
    const source = (changedAt: number) => {
      let bytesRead = 0;
      const made: ByteSource = {
        name: 'big',
        size,
        read(offset, length) {
          bytesRead += length;
          const bytes = new Uint8Array(length);
          if (offset === 0) bytes[2] = 32; // a header of 2 MiB
          if (changedAt >= offset && changedAt < offset + length) bytes[changedAt - offset] = 1;
          return bytes;
        },
        fill: (offset, target) => target.set(made.read(offset, target.length)),
      };
      return { made, bytesRead: () => bytesRead };
    };
    const plain = source(-1);
    const digest = digestSource(plain.made);
    expect(plain.bytesRead()).toBeLessThan(67 * 2 ** 20);
    expect(digestSource(source(1.5 * 2 ** 20).made)).not.toBe(digest);
    expect(digestSource(source(size - 1).made)).not.toBe(digest);
    expect(digestSource({ ...plain.made, size: size + 1 })).not.toBe(digest);
  });
});
