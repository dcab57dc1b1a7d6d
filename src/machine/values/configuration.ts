import { decodeFloat } from '../../base/float.ts';
import type { AttentionConfig } from '../../numerics/attention.ts';

/** The operands of `attention.configure` by name. */
export function attentionConfig(operands: readonly number[]): AttentionConfig {
  const [heads, kvHeads, headDimension, window, sink, scale, query, output] = operands as readonly [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return { heads, kvHeads, headDimension, window, sink, scale: decodeFloat('float32', scale), query, output };
}
