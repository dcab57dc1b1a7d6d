import { LutraError } from '../../base/diagnostics.ts';
import { combineCycles, rowScanCycles } from '../../hw/derive.ts';
import { type AttentionConfig, visibleCount } from '../../numerics/attention.ts';
import type { Command, Timing } from '../kernel/command.ts';
import { portMask } from '../kernel/ports.ts';
import { type Surroundings, Unit } from '../kernel/unit.ts';
import { attentionConfig } from '../values/operands.ts';

const option = { last: 2 } as const;

/**
 * Attention: scores, online softmax and weighted sum, one (row, head) at a time, the last row first.
 *
 * The lanes compute the next item’s scores while the maximum of this one settles, then this one’s weighted sum.
 * Masked positions are skipped, not computed: an item of n visible positions takes n beats-per-head twice, and once
 * more for the output that it had.
 */
export class Attention extends Unit {
  private config: AttentionConfig | undefined;

  constructor(around: Surroundings) {
    super('attention', around.hw.attention.queueDepth, around);
  }

  protected override ownState(): readonly string[] {
    return ['config'];
  }

  protected portsFor(command: Command): number {
    if (command.spec.name !== 'attention.attend') return 0;
    const last = ((command.values[6] as number) & option.last) !== 0;
    // Without a configuration the instruction will be refused.
    const { query, output } = this.config ?? { query: 0, output: 0 };
    const { act } = this.around.ports;
    return act.read(query) | portMask.kvRead | (last ? act.write(output) : 0);
  }

  protected start(command: Command): Timing {
    if (command.spec.name === 'attention.configure') {
      this.config = attentionConfig(command.values);
      return { first: 1, finish: 1 };
    }
    return command.spec.name === 'attention.attend' ? this.attend(command) : { first: 1, finish: 1 };
  }

  private attend(command: Command): Timing {
    const { config } = this;
    if (!config) {
      throw new LutraError({
        code: 'MCH008',
        message: `instruction ${command.pc} (attention.attend): no attention.configure came before it`,
        hint: 'configure heads and buffers first',
      });
    }
    return this.timing(config, command.values as Seven);
  }

  /**
   * `rows + rowScanCycles + w₀ + Σ (max(wᵢ₊₁, settle) + wᵢ + β) + update`, items of a row being alike; with `last`
   * `+ rows·heads·β + outputLatency`.
   */
  private timing(config: AttentionConfig, operands: Seven): Timing {
    const [, , firstPosition, count, queryPosition, rows, options] = operands;
    const { attendLatency, scoreLatency, outputLatency } = this.around.derived;
    const { add, multiply } = this.around.hw.vector.latency;
    const { heads } = config;
    const beats = Math.ceil(config.headDimension / this.around.hw.attention.lanes);
    const combine = combineCycles(beats, add);
    // The next weighted sum needs the maximum of its scores, and the adders when this item's sum is complete.
    const settle = Math.max(scoreLatency, combine);
    let finish = rows + rowScanCycles;
    let working = 0;
    let previous = 0;
    for (let row = rows - 1; row >= 0; row--) {
      const visible = visibleCount(config, queryPosition + row, firstPosition, count);
      if (visible === 0) continue;
      const item = visible * beats;
      // The first item of the row follows an item of the row before, or the scan.
      finish += (previous === 0 ? item : Math.max(item, settle)) + item + beats;
      finish += (heads - 1) * (Math.max(item, settle) + item + beats);
      working += (2 * item + beats) * heads;
      previous = item;
    }
    if (previous > 0) finish += settle + attendLatency + multiply + add + 1 + combine;
    if ((options & option.last) !== 0) {
      const written = rows * heads * beats;
      finish += written + outputLatency;
      working += written;
    }
    return { first: finish, finish, pipeline: finish - working };
  }
}

type Seven = readonly [number, number, number, number, number, number, number];
