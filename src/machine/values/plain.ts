import { decodeFloat } from '../../base/float.ts';
import type { Derived } from '../../hw/derive.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import {
  type AttentionArithmetic,
  type AttentionConfig,
  type AttentionState,
  attend,
  createAttentionArithmetic,
  createAttentionState,
  storeKv,
} from '../../numerics/attention.ts';
import { createSampler, insertLogits, pickToken, type SamplerState } from '../../numerics/sampler.ts';
import {
  bestGroup,
  clearShortlist,
  createShortlist,
  type NextGroup,
  nextGroup,
  type Shortlist,
  selectGroups,
} from '../../numerics/shortlist.ts';
import {
  add,
  createVectorArithmetic,
  dequantise,
  dequantiseGate,
  dequantiseRope,
  multiply,
  norm,
  quantise,
  type VectorArithmetic,
} from '../../numerics/vector.ts';
import type { Buffers } from '../kernel/buffers.ts';
import type { Command } from '../kernel/command.ts';
import { restoreFields, type Saved, saveFields } from '../kernel/saving.ts';
import type { MemoryStore } from '../kernel/store.ts';
import type { SamplerTap, ValueEngine } from './engine.ts';
import {
  attendRun,
  attentionConfig,
  dequantiseRun,
  elementwiseRun,
  gateRun,
  normalisedRun,
  ropeRun,
} from './operands.ts';
import { moveRows, moveStaged } from './transfers.ts';
import { loadWeights, runTile } from './weights.ts';

const firstOption = 1;

/** What the plain engine works on. */
export interface PlainInputs {
  readonly hw: HardwareModel;
  readonly derived: Derived;
  readonly buffers: Buffers;
  readonly store: MemoryStore;
  readonly samplerTap?: SamplerTap | undefined;
  /** Where attention and the sampler remember, if not in memory of their own. */
  readonly attentionState?: AttentionState;
  readonly candidates?: SamplerState;
}

type Operands = readonly [number, number, number, number, number, number, number, number, number];
type Action = (operands: Operands, command: Command) => void;

/** The values of a machine by the functions of `src/numerics`: each instruction at once, and only this thread. */
export class PlainValues implements ValueEngine {
  private readonly inputs: PlainInputs;
  private readonly vector: VectorArithmetic;
  private readonly attention: AttentionArithmetic;
  private readonly attentionState: AttentionState;
  private attentionConfig: AttentionConfig | undefined;
  private readonly candidates: SamplerState;
  private readonly shortlist: Shortlist;
  private temperature = 0;
  private topK = 1;
  private seed = 0;
  private step = 0;
  private readonly actions: Readonly<Record<string, Action>>;

  constructor(inputs: PlainInputs) {
    const { hw } = inputs;
    this.inputs = inputs;
    this.vector = createVectorArithmetic(hw.vector);
    this.attention = createAttentionArithmetic(hw);
    // An item has at least one element of running output.
    this.attentionState =
      inputs.attentionState ?? createAttentionState(hw.attention.stateElements, hw.attention.stateElements);
    this.candidates = inputs.candidates ?? createSampler(hw.sampler.candidates);
    this.shortlist = createShortlist(hw.sampler.shortlist ?? 0);
    this.actions = {
      ...this.transferActions(),
      ...this.vectorActions(),
      ...this.attentionActions(),
      ...this.samplerActions(),
    };
  }

  get buffers(): Buffers {
    return this.inputs.buffers;
  }

  save(): Saved {
    const own = ['attentionConfig', 'temperature', 'topK', 'seed', 'step'];
    return { ...saveFields(this, own), shared: this.stateObjects().map((part) => saveFields(part, Object.keys(part))) };
  }

  restore({ shared, ...saved }: Saved): void {
    restoreFields(this, saved);
    const parts = shared as readonly Saved[];
    this.stateObjects().forEach((part, index) => {
      restoreFields(part, parts[index] as Saved);
    });
  }

  private stateObjects(): readonly object[] {
    return [this.inputs.buffers, this.attentionState, this.candidates, this.shortlist];
  }

  execute(command: Command): void {
    this.actions[command.spec.name]?.(command.values as Operands, command);
  }

  nextGroup(best: boolean): NextGroup {
    const { count, logits } = this.candidates;
    if (best) return { group: bestGroup(this.shortlist), passed: 0 };
    return nextGroup(this.shortlist, count > 0 ? (logits[0] as number) : Number.NEGATIVE_INFINITY);
  }

  pick(): number {
    const token = pickToken(this.candidates, this.temperature, this.topK, this.seed, this.step);
    const { samplerTap } = this.inputs;
    return samplerTap ? samplerTap.onPick(token) : token;
  }

  settle(): void {}

  close(): void {}

  private transferActions(): Record<string, Action> {
    const { inputs } = this;
    const { hw, buffers } = inputs;
    return {
      'dma.load': (operands) => moveRows(inputs, operands, false),
      'dma.gather': (operands) => moveRows(inputs, operands, false),
      'dma.store': (operands) => moveRows(inputs, operands, true),
      'weightBuffer.load': (operands) => loadWeights(inputs, operands),
      'matmul.run': (operands, command) => runTile(inputs, operands, command),
      'kvStore.append': ([src, dst, rows, elements, pitch]) =>
        storeKv(hw.kvStore.format, buffers.act, src, rows, elements, pitch, buffers.kv, dst),
      'kvStore.fill': (operands) => moveStaged(inputs, operands, false),
      'kvStore.spill': (operands) => moveStaged(inputs, operands, true),
    };
  }

  private vectorActions(): Record<string, Action> {
    const { vector } = this;
    const { buffers } = this.inputs;
    return {
      'vector.quantise': (operands) => quantise(vector, normalisedRun(operands), false, buffers),
      'vector.quantiseWide': (operands) => quantise(vector, normalisedRun(operands), true, buffers),
      'vector.dequantise': (operands) => dequantise(vector, dequantiseRun(operands), buffers),
      'vector.dequantiseGate': (operands) => dequantiseGate(vector, gateRun(operands), buffers),
      'vector.dequantiseRope': (operands) => dequantiseRope(vector, ropeRun(operands), buffers),
      'vector.norm': (operands) => norm(vector, normalisedRun(operands), buffers),
      'vector.add': (operands) => add(vector, elementwiseRun(operands), buffers),
      'vector.multiply': (operands) => multiply(vector, elementwiseRun(operands), buffers),
    };
  }

  private attentionActions(): Record<string, Action> {
    const { buffers } = this.inputs;
    return {
      'attention.configure': (operands) => {
        this.attentionConfig = attentionConfig(operands);
        // What items mean has changed.
        this.attentionState.seen.fill(0);
      },
      'attention.attend': (operands) => {
        // Without a configuration the unit refuses the instruction.
        if (!this.attentionConfig) return;
        attend(this.attention, this.attentionConfig, attendRun(operands), buffers.act, buffers.kv, this.attentionState);
      },
    };
  }

  private samplerActions(): Record<string, Action> {
    const { inputs, candidates, shortlist } = this;
    const { hw, buffers, samplerTap } = inputs;
    return {
      'sampler.begin': ([temperature, topK, seed, step]) => {
        this.temperature = decodeFloat('float32', temperature);
        Object.assign(this, { topK, seed, step });
        candidates.count = 0;
      },
      'sampler.scan': ([src, elements, firstToken]) => {
        insertLogits(candidates, buffers.act, src, elements, firstToken);
        samplerTap?.onLogits(firstToken, buffers.act.subarray(src, src + elements));
      },
      'sampler.select': ([src, bounds, elements, firstGroup, options]) => {
        if (options & firstOption) clearShortlist(shortlist, firstGroup);
        selectGroups(shortlist, buffers.act, { src, bounds, elements, firstGroup }, hw.matmul.columns);
      },
    };
  }
}
