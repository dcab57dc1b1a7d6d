/**
 * What every instruction does, counted from its operands: reads and writes of buffers, bytes of memory, table look-ups,
 * integer and float operations. One rule per instruction; a test sees that none is missing.
 */
import { decodeFloat } from '../../base/float.ts';
import { type Derived, floatFormatBytes } from '../../hw/derive.ts';
import { type Alphabet, alphabets, gateFunctions } from '../../hw/operands.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import { memoryFormatBytes } from '../../isa/footprint.ts';
import { type MemoryFormat, memoryFormats, type Space, spaces } from '../../isa/table.ts';
import { visibleCount } from '../../numerics/attention.ts';
import type { Work, WorkKind } from '../../trace/work.ts';
import type { Command } from './command.ts';
import { type Configured, unconfigured } from './configured.ts';

type Rule = (values: readonly number[]) => Work;

const option = { columns: 1, wide: 2, accumulate: 4, last: 2 } as const;

/**
 * Counts the work of commands. Those of a unit must come in the order in which it runs them, as `attend` and `pick` go by
 * what was configured before. Instructions that only synchronise or configure do no work.
 */
export function createWork(
  hw: HardwareModel,
  derived: Derived,
  configured: Configured = unconfigured(),
): (command: Command) => Work {
  const rules = workRules(hw, derived, configured);
  return ({ spec, values }) => rules[spec.name]?.(values) ?? {};
}

/** The rules by name of instruction. */
export function workRules(
  hw: HardwareModel,
  derived: Derived,
  configured: Configured = unconfigured(),
): Readonly<Record<string, Rule>> {
  const stateless = { ...transfers(hw, derived), ...matmul(hw, derived), ...vector(hw) };
  return { ...stateless, ...attention(hw, configured), ...sampler(hw, configured) };
}

function transfers(hw: HardwareModel, derived: Derived): Record<string, Rule> {
  const actBytes = floatFormatBytes(hw.vector.format);
  /** What of a buffer `n` elements are. */
  const inBuffer = (space: Space | undefined, n: number): Work => {
    if (space === 'act') return { actBytes: n * actBytes };
    if (space === 'input') return { inputBytes: n };
    return space === 'acc' ? { accBytes: 4 * n } : { coefBytes: 4 * n };
  };
  const move: Rule = ([space = 0, format = 0, , , elements = 0, rows = 0]) => ({
    memoryBytes: rows * elements * memoryFormatBytes[memoryFormats[format] as MemoryFormat],
    ...inBuffer(spaces[space], rows * elements),
  });
  const staging: Rule = ([, , bytes = 0, rows = 0]) => ({ memoryBytes: rows * bytes, kvBytes: rows * bytes });
  return {
    'dma.load': move,
    'dma.gather': move,
    'dma.store': move,
    'kvStore.fill': staging,
    'kvStore.spill': staging,
    'kvStore.append': ([, , rows = 0, elements = 0]) => ({
      actBytes: rows * elements * actBytes,
      kvBytes: rows * elements * derived.kvElementBytes,
      conversions: hw.kvStore.format === hw.vector.format ? 0 : rows * elements,
    }),
    'weightBuffer.load': ([, , words = 0, alphabet = 0]) => {
      const { wordBytes, indexBits } = derived[alphabets[alphabet] as Alphabet];
      return {
        memoryBytes: words * wordBytes,
        weightsBytes: (words * hw.matmul.columns * hw.matmul.tables * indexBits) / 8,
      };
    },
  };
}

function matmul(hw: HardwareModel, derived: Derived): Record<string, Rule> {
  const { tables, columns, group, tableForm } = hw.matmul;
  return {
    'matmul.run': ([, , , rows = 0, blocks = 0, steps = 0, alphabet = 0, planes = 0]) => {
      const { tableEntries, indexBits } = derived[alphabets[alphabet] as Alphabet];
      const words = rows * blocks * planes * steps;
      const perWord = columns * tables;
      const entries = rows * blocks * tables * tableEntries;
      return {
        macs: rows * blocks * steps * derived.wordDigits,
        lookups: tableForm === 'select' ? 0 : words * perWord,
        tableEntries: entries,
        // The tree of a column and its accumulator, and an addition for each entry that is built.
        integerAdds: words * perWord * (tableForm === 'select' ? group : 1) + entries,
        weightsBytes: (words * perWord * indexBits) / 8,
        inputBytes: rows * blocks * derived.blockInputs,
        // Sums are read and written for every word.
        accBytes: 8 * words * columns,
      };
    },
  };
}

function vector(hw: HardwareModel): Record<string, Rule> {
  const actBytes = floatFormatBytes(hw.vector.format);
  const quantise =
    (limbs: number): Rule =>
    ([, , , rows = 0, elements = 0, dstPitch = 0, , epsilon = 0]) => {
      const normalised = !(decodeFloat('float32', epsilon) < 0);
      const n = rows * elements;
      // The first pass finds the largest, the second scales; with a norm both apply the gain, and the first squares.
      const passes = 1 + limbs;
      return {
        actBytes: passes * n * actBytes,
        coefBytes: normalised ? 4 * passes * n : 0,
        inputBytes: limbs * rows * dstPitch,
        floatMultiplies: (limbs + (normalised ? 1 + passes : 0)) * n + rows * (normalised ? 5 : 2),
        floatAdds: (normalised ? 2 : 1) * n + (normalised ? rows : 0),
        floatFunctions: rows * (normalised ? 2 : 1),
        conversions: limbs * n,
      };
    };
  const elementwise =
    (kind: WorkKind): Rule =>
    ([, , , rows = 0, elements = 0]) => ({
      actBytes: 3 * rows * elements * actBytes,
      [kind]: rows * elements,
    });
  return {
    'vector.quantise': quantise(1),
    'vector.quantiseWide': quantise(2),
    'vector.dequantise': ([, , , rows = 0, elements = 0, , , options = 0]) => {
      const n = rows * elements;
      const wide = (options & option.wide) !== 0;
      const accumulate = (options & option.accumulate) !== 0;
      return {
        accBytes: 4 * n * (wide ? 2 : 1),
        coefBytes: (options & option.columns) !== 0 ? 4 * n : 4 * rows,
        actBytes: n * actBytes * (accumulate ? 2 : 1),
        integerAdds: wide ? n : 0,
        conversions: n,
        floatMultiplies: 2 * n,
        floatAdds: accumulate ? n : 0,
      };
    },
    'vector.dequantiseGate': ([, , , rows = 0, elements = 0, , , gate = 0]) => {
      const n = rows * elements;
      const silu = gateFunctions[gate] === 'silu';
      return {
        accBytes: 8 * n,
        coefBytes: 8 * rows,
        actBytes: n * actBytes,
        conversions: 2 * n,
        // Two dequantisations, then two products: of the gate, and with the other.
        floatMultiplies: 6 * n,
        floatAdds: n,
        floatFunctions: silu ? 2 * n : 0,
      };
    },
    'vector.dequantiseRope': ([, , , rows = 0, elements = 0]) => {
      const n = rows * elements;
      return {
        accBytes: 4 * n,
        coefBytes: 4 * n,
        actBytes: n * actBytes,
        conversions: n,
        floatMultiplies: 4 * n,
        floatAdds: n,
      };
    },
    'vector.norm': ([, , , rows = 0, elements = 0]) => {
      const n = rows * elements;
      return {
        actBytes: 3 * n * actBytes,
        coefBytes: 4 * n,
        floatMultiplies: 3 * n + rows,
        floatAdds: n + rows,
        floatFunctions: rows,
      };
    },
    'vector.add': elementwise('floatAdds'),
    'vector.multiply': elementwise('floatMultiplies'),
  };
}

function attention(hw: HardwareModel, configured: Configured): Record<string, Rule> {
  const actBytes = floatFormatBytes(hw.vector.format);
  const kvBytes = floatFormatBytes(hw.kvStore.format);
  return {
    'attention.configure': (operands) => {
      configured.attention = operands;
      return {};
    },
    'attention.attend': ([, , firstPosition = 0, count = 0, queryPosition = 0, rows = 0, options = 0]) => {
      const [heads = 0, , d = 0, window = 0, sink = 0] = configured.attention ?? [];
      let items = 0;
      let positions = 0;
      for (let row = 0; row < rows; row++) {
        const visible = visibleCount({ window, sink }, queryPosition + row, firstPosition, count);
        positions += visible * heads;
        if (visible > 0) items += heads;
      }
      const written = (options & option.last) !== 0 ? rows * heads : 0;
      return {
        kvBytes: 2 * positions * d * kvBytes,
        actBytes: (items + written) * d * actBytes,
        // Scores and their scale, weighted sums, the rescaled output; the last division.
        floatMultiplies: positions * (2 * d + 1) + (items + written) * d,
        // Sums of both, the largest, the difference to it, the total; the rescaled output.
        floatAdds: positions * (2 * d + 3) + items * d,
        floatFunctions: positions + items + written,
      };
    },
  };
}

function sampler(hw: HardwareModel, configured: Configured): Record<string, Rule> {
  const actBytes = floatFormatBytes(hw.vector.format);
  return {
    'sampler.begin': ([temperature = 0]) => {
      configured.drawn = decodeFloat('float32', temperature) > 0;
      return {};
    },
    // A logit is compared with the whole list at once.
    'sampler.scan': ([, elements = 0]) => ({
      actBytes: elements * actBytes,
      integerAdds: elements * hw.sampler.candidates,
    }),
    // The limit and the largest of the group are compared.
    'sampler.select': ([, , elements = 0]) => ({
      actBytes: 2 * elements * actBytes,
      floatAdds: 2 * elements,
      integerAdds: 2 * elements,
    }),
    'sampler.next': () => ({ integerAdds: 1 }),
    'sampler.pick': () => {
      const k = configured.drawn ? hw.sampler.candidates : 0;
      return { floatFunctions: k === 0 ? 0 : k + 1, floatMultiplies: k === 0 ? 0 : k + 1, floatAdds: 2 * k };
    },
  };
}
