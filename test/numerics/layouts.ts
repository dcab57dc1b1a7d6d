import fc from 'fast-check';
import type { WordLayout } from '../../src/numerics/pack.ts';

interface Shape {
  readonly group: number;
  readonly tables: number;
  readonly columns: number;
}

/** A word of one slice without padding, or of slices of `sliceColumns` columns with `slack` more bytes each. */
export function layoutOf(
  shape: Shape,
  sliceColumns = shape.columns,
  slack = 0,
  portBytes = 1,
  turnBytes = 64 * portBytes,
): WordLayout {
  const digits = sliceColumns * shape.tables * shape.group;
  const sliceBytes = { ternary: Math.ceil(digits / 5) + slack, binary: Math.ceil(digits / 8) + slack };
  return { ...shape, sliceColumns, sliceBytes, portBytes, turnBytes };
}

/** Layouts of words up to this shape, in one slice or several. */
export function layouts(group: number, tables: number, columns: number): fc.Arbitrary<WordLayout> {
  return fc
    .record({
      group: fc.integer({ min: 1, max: group }),
      tables: fc.integer({ min: 1, max: tables }),
      columns: fc.integer({ min: 1, max: columns }),
      slices: fc.integer({ min: 1, max: columns }),
      slack: fc.integer({ min: 0, max: 3 }),
      portBytes: fc.constantFrom(1, 4, 16),
      turnBeats: fc.constantFrom(1, 2, 64),
    })
    .map(({ slices, slack, portBytes, turnBeats, ...shape }) =>
      layoutOf(
        shape,
        Math.ceil(shape.columns / Math.min(slices, shape.columns)),
        slack,
        portBytes,
        turnBeats * portBytes,
      ),
    );
}

const geometry = layouts(6, 7, 7);

/** A geometry, a tile that need not fill its words, and weights from `weight` with a few elements around each row. */
export function tiles<T extends number>(weight: fc.Arbitrary<T>) {
  return fc
    .record({
      geometry,
      blocks: fc.integer({ min: 1, max: 3 }),
      steps: fc.integer({ min: 1, max: 3 }),
      offset: fc.integer({ min: 0, max: 5 }),
      slack: fc.integer({ min: 0, max: 5 }),
      fill: fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
    })
    .chain((shape) => {
      const { group, tables, columns } = shape.geometry;
      const inputs = Math.ceil(shape.fill[0] * shape.blocks * group * tables);
      const outputs = Math.ceil(shape.fill[1] * shape.steps * columns);
      const pitch = inputs + shape.slack;
      const length = shape.offset + outputs * pitch;
      return fc.record({
        geometry: fc.constant(shape.geometry),
        tile: fc.constant({ columns: outputs, inputs, blocks: shape.blocks, steps: shape.steps }),
        source: fc.constant({ offset: shape.offset, pitch }),
        weights: fc.array(weight, { minLength: length, maxLength: length }),
      });
    });
}
