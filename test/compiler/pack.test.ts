import { describe, expect, it } from 'vitest';
import { bytesSource } from '../../src/base/safetensors.ts';
import { compile, layOut } from '../../src/compiler/compile.ts';
import { quantiseHeadRows } from '../../src/compiler/quantise.ts';
import { derive } from '../../src/hw/derive.ts';
import { parseImage } from '../../src/isa/image.ts';
import { serializeImage } from '../../src/isa/imageFile.ts';
import { unpackBinaryTile, unpackTernaryTile, wordLayout } from '../../src/numerics/pack.ts';
import { machine, shapes, testGraph } from './models.ts';

const graph = testGraph({ ...shapes.stories, layerCount: 2, vocabularySize: 333, maxPositions: 20 });

describe.each(['kv260', 'odd'])('weights packed for %s', (name) => {
  const hw = machine(name);
  const image = compile(graph, hw);
  const { model, chip, map } = layOut(graph, hw, derive(hw), { gains: 'bfloat16', embedding: 'bfloat16' });
  const segment = (wanted: string) => {
    const found = image.segments.find((one) => one.name === wanted);
    if (!found?.data) throw new Error(`no ${wanted}`);
    return found.data.read(0, found.data.bytes);
  };
  const floats = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bfloat16At = (view: DataView, index: number) => {
    const wide = new DataView(new ArrayBuffer(4));
    wide.setUint16(0, view.getUint16(2 * index, true));
    return wide.getFloat32(0);
  };

  it('holds every ternary weight', () => {
    graph.layers.forEach((layer, index) => {
      const bytes = segment(`layers.${index}.weights`);
      let offset = 0;
      for (const operation of model.layer) {
        for (const tile of operation.tiles) {
          const columns = tile.steps * hw.matmul.columns;
          const shape = { columns, inputs: operation.inputs, blocks: operation.blocks, steps: tile.steps };
          const unpacked = unpackTernaryTile(wordLayout(hw, derive(hw)), shape, bytes, offset);
          const expected = new Int8Array(unpacked.length);
          for (const piece of tile.pieces) {
            const tensor = layer[piece.output as 'query'];
            expected.set(tensor.readRows(piece.first, piece.columns), piece.offset * operation.inputs);
          }
          expect(Buffer.from(unpacked).equals(Buffer.from(expected))).toBe(true);
          offset += tile.bytes;
        }
      }
      expect(offset).toBe(bytes.length);
    });
  });

  it('holds the head to within half a level, and its scales', () => {
    const { head } = model;
    const bytes = segment('head.weights');
    const scales = floats(segment('head.scales'));
    let offset = 0;
    head.tiles.forEach((tile, index) => {
      const [piece] = tile.pieces;
      if (!piece) throw new Error('a head tile has one piece');
      const shape = { columns: piece.columns, inputs: head.inputs, blocks: head.blocks, steps: tile.steps };
      const levels = unpackBinaryTile(wordLayout(hw, derive(hw)), head.planes, shape, bytes, offset);
      const weights = graph.head.readRows(piece.first, piece.columns);
      let worst = 0;
      for (let column = 0; column < piece.columns; column++) {
        const scale = scales.getFloat32(index * map.headScaleStride + 4 * column, true);
        for (let i = 0; i < head.inputs; i++) {
          const at = column * head.inputs + i;
          worst = Math.max(worst, Math.abs((levels[at] ?? 0) * scale - (weights[at] ?? 0)) / scale);
        }
      }
      // Odd levels lie two apart.
      expect(worst).toBeLessThanOrEqual(1.0001);
      offset += tile.bytes;
    });
  });

  it('holds gains, scales, embedding and rotations', () => {
    const coefficients = floats(segment('coefficients'));
    const { layout } = chip.coef;
    graph.layers.forEach((layer, index) => {
      const base = index * map.coefficientStride;
      for (const norm of ['inputNorm', 'attentionSubNorm', 'postNorm', 'ffnSubNorm'] as const) {
        const values = layer[norm]?.readRows(0, layer[norm]?.shape[0] ?? 0) ?? [];
        values.forEach((value, i) => {
          expect(bfloat16At(coefficients, base / 2 + layout[norm] + i)).toBe(value);
        });
      }
      expect(coefficients.getFloat32(base + map.scales, true)).toBe(layer.query.scale);
      expect(coefficients.getFloat32(base + map.scales + 24, true)).toBe(layer.down.scale);
    });
    const row = graph.embedding.readRows(77, 1);
    const embedding = floats(segment('embedding'));
    row.forEach((value, i) => {
      expect(bfloat16At(embedding, 77 * graph.hiddenSize + i)).toBe(value);
    });
    const rope = floats(segment('rope'));
    const angle = 13 * 10_000 ** (-6 / 32);
    expect(rope.getFloat32(13 * 128 + 4 * 3, true)).toBeCloseTo(Math.cos(angle), 6);
    expect(rope.getFloat32(13 * 128 + 4 * (16 + 3), true)).toBeCloseTo(Math.sin(angle), 6);
  });

  it('survives the image file', () => {
    const chunks = [...serializeImage(image)];
    const again = parseImage(bytesSource('test.lutra', Buffer.concat(chunks)));
    expect(again.code.length).toBe(image.code.length);
    expect(again.metadata.plan).toEqual(image.metadata.plan);
  });
});

describe('formats', () => {
  it('keeps what bfloat16 cannot hold as float32', () => {
    const exact = testGraph({ ...shapes.stories, layerCount: 1, vocabularySize: 50, maxPositions: 8 }, Math.fround);
    const image = compile(exact, machine('kv260'));
    const embedding = image.segments.find(({ kind }) => kind === 'embedding');
    expect(embedding?.bytes).toBe(50 * 256 * 4);
    const view = new DataView(embedding?.data?.read(0, 50 * 256 * 4).buffer as ArrayBuffer);
    expect(view.getFloat32(4 * (256 * 7 + 9), true)).toBe(exact.embedding.readRows(7, 1)[9]);
  });
});

describe('quantiseHeadRows', () => {
  const tensor = (values: readonly number[]) => ({
    name: 'head',
    shape: [1, values.length],
    format: 'float32' as const,
    readRows: () => Float32Array.from(values),
  });

  it('takes the nearest odd level', () => {
    const { levels, scales } = quantiseHeadRows(tensor([7, -7, 0.5, -0.5, 2.5, -3]), 0, 1, 3);
    expect(scales[0]).toBe(1);
    expect([...levels]).toEqual([7, -7, 1, -1, 3, -3]);
  });

  it('gives a row of zeros scale 0, and refuses what is no number', () => {
    expect(quantiseHeadRows(tensor([0, 0]), 0, 1, 8).scales[0]).toBe(0);
    expect(() => quantiseHeadRows(tensor([0, Number.NaN]), 5, 1, 8)).toThrow(
      'error[CMP031] tensor head, row 5, column 1: the weight is not a finite number (the model file is damaged or was not trained to the end)',
    );
  });
});
