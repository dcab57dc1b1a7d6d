import { LutraError } from '../../base/diagnostics.ts';
import type { Derived } from '../../hw/derive.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import type { AttentionConfig } from '../../numerics/attention.ts';
import { createFastBuffers, type FastBuffers } from '../../numerics/fast.ts';
import { encodeAttend } from '../../numerics/fastAttendRecords.ts';
import { encodeConvert, encodeProduct, type HostTile, hostTile } from '../../numerics/fastRecords.ts';
import type { MatmulRun } from '../../numerics/matmul.ts';
import { type WordLayout, wordLayout } from '../../numerics/pack.ts';
import type { NextGroup } from '../../numerics/shortlist.ts';
import type { Buffers } from '../kernel/buffers.ts';
import type { Command } from '../kernel/command.ts';
import type { MemoryStore } from '../kernel/store.ts';
import type { SamplerTap, ValueEngine } from './engine.ts';
import { FastTransfers, stagingBytes } from './fastTransfers.ts';
import { Arena, type Kernels } from './kernels.ts';
import { attendRun, attentionConfig, matmulRun } from './operands.ts';
import { PlainValues } from './plain.ts';
import { queueBytes, RecordQueue } from './queue.ts';
import { type Encode, encoders } from './records.ts';
import { type PackedWords, WeightWords, type Words } from './tiles.ts';

/** What the fast engine works on. */
export interface FastInputs {
  readonly hw: HardwareModel;
  readonly derived: Derived;
  readonly kernels: Kernels;
  readonly samplerTap?: SamplerTap | undefined;
}

/** A tile and what it was made of. */
interface KeptTile extends HostTile {
  readonly blocks: number;
  readonly steps: number;
  readonly skipped: number;
  readonly loadWords: number;
  readonly address: number;
  /** False: its place is used for others too. */
  readonly kept: boolean;
}

const pageBytes = 1 << 16;
/** Address 0 stays free: it stands for nothing. */
const firstByte = 1024;
/** What 32-bit addresses reach, and how much of it is not for tiles. */
const addressableBytes = 2 ** 32 - 2 ** 16;
const reservedBytes = 2 ** 28;

/**
 * The values of a machine by WebAssembly kernels on several threads: instructions become records of a queue, and this
 * thread takes part only when a result is asked for. What no kernel does is done by the plain engine on the same
 * buffers, when all before it is done.
 *
 * Weights are turned into the kernels' own layout when they are first multiplied, and kept: a tile that was loaded from
 * the image is the same the next time.
 */
export class FastValues implements ValueEngine {
  private readonly hw: HardwareModel;
  private readonly derived: Derived;
  private readonly arena: Arena;
  private readonly memory: WebAssembly.Memory;
  private readonly onRead: ((bytes: number) => void) | undefined;
  private readonly fast: FastBuffers;
  private readonly buffers: Buffers;
  private readonly plain: PlainValues;
  private readonly queue: RecordQueue;
  /** External memory; what was told may still be on its way there. */
  readonly store: MemoryStore;
  private readonly words: WeightWords;
  private readonly layout: WordLayout;
  private readonly transfers: FastTransfers;
  private attention: AttentionConfig | undefined;
  private readonly packed: number;
  private readonly packedBytes: number;
  /** By the address that their load came from. */
  private readonly tiles = new Map<number, KeptTile[]>();
  private spare = { address: 0, bytes: 0 };
  private readonly encoders: Readonly<Record<string, Encode>>;

  /** @param makeStore makes the machine's memory, whose pages come from the given function */
  constructor(inputs: FastInputs, makeStore: (newPage: () => Uint8Array) => MemoryStore) {
    const { hw, derived, kernels, samplerTap } = inputs;
    this.hw = hw;
    this.derived = derived;
    this.memory = kernels.memory;
    this.onRead = kernels.onRead;
    this.arena = new Arena(kernels.memory, firstByte, addressableBytes - reservedBytes);
    this.fast = createFastBuffers(
      hw,
      derived,
      kernels.memory,
      (bytes, alignment) => this.allocate(bytes, alignment),
      kernels.threads,
    );
    const empty = new Uint8Array(0);
    this.buffers = { ...this.fast, weights: empty, weightAlphabets: empty };
    this.store = makeStore(() => this.view(this.allocate(pageBytes), pageBytes));
    const { attention: attentionState, sampler: candidates } = this.fast;
    this.plain = new PlainValues({
      hw,
      derived,
      buffers: this.buffers,
      store: this.store,
      samplerTap,
      attentionState,
      candidates,
    });
    const staging = this.allocate(stagingBytes);
    const zeros = this.allocate(pageBytes);
    // Slices are filled up to whole turns.
    this.packedBytes = hw.weightBuffer.words * derived.wordBytes + derived.weightSlices * derived.portBytes;
    this.packed = this.allocate(this.packedBytes);
    this.queue = new RecordQueue(kernels, this.allocate(queueBytes), this.fast.machine);
    const { buffers, store, queue } = this;
    const view = (address: number, bytes: number) => this.view(address, bytes);
    const allocate = (bytes: number) => this.allocate(bytes);
    this.transfers = new FastTransfers({ buffers, store, queue, staging, zeros, view, allocate, onRead: this.onRead });
    this.words = new WeightWords(derived, this.store);
    this.layout = wordLayout(hw, derived);
    this.encoders = encoders(samplerTap === undefined);
  }

  execute(command: Command): void {
    const { spec, values } = command;
    const encode = this.encoders[spec.name];
    if (encode) {
      encode(this.queue.words, this.queue.next(), values);
      this.queue.publish();
      return;
    }
    switch (spec.name) {
      case 'weightBuffer.load':
        this.words.load(values as unknown as readonly [number, number, number, number], () => this.settle());
        return;
      case 'matmul.run':
        this.multiply(command);
        return;
      case 'dma.load':
      case 'dma.gather':
        if (this.transfers.moveRows(values, false)) return;
        break;
      case 'dma.store':
        if (this.transfers.moveRows(values, true)) return;
        break;
      case 'attention.configure':
        this.attention = attentionConfig(values);
        break;
      case 'attention.attend':
        this.attend(values);
        return;
      case 'kvStore.fill':
        this.transfers.moveStaged(values, false);
        return;
      case 'kvStore.spill':
        this.transfers.moveStaged(values, true);
        return;
    }
    if (spec.name.endsWith('.sync')) return;
    this.settle();
    this.plain.execute(command);
  }

  nextGroup(best: boolean): NextGroup {
    this.settle();
    return this.plain.nextGroup(best);
  }

  pick(): number {
    this.settle();
    return this.plain.pick();
  }

  settle(): void {
    this.queue.settle();
    this.transfers.settled();
  }

  close(): void {
    this.settle();
    this.queue.close();
  }

  private attend(operands: readonly number[]): void {
    // Without a configuration the unit refuses the instruction.
    if (!this.attention) return;
    encodeAttend(this.queue.words, this.queue.next(), this.hw, this.attention, attendRun(operands));
    this.queue.publish();
  }

  private multiply(command: Command): void {
    const { hw, derived, layout } = this;
    const [input, weights, output, , blocks, steps, alphabet, planes] = command.values as Eight;
    const run = matmulRun(command.values, hw, derived);
    const words = this.words.find(weights, blocks * planes * steps, alphabet, command);
    const tile = this.tileOf(words, hostTile(layout, run.alphabet, planes, blocks, steps), run);
    encodeProduct(this.queue.words, this.queue.next(), tile, tile.address, run, input, output);
    this.queue.publish();
    this.onRead?.(tile.bytes);
    // A tile for once gives its place back.
    if (!tile.kept) this.settle();
  }

  /** The tile of these words: the one that was made of them before, or a new one. */
  private tileOf(words: Words, shape: HostTile, run: MatmulRun): KeptTile {
    const { load, skipped, loadWords } = words;
    const { blocks, steps } = run;
    const known = load === undefined ? undefined : this.tiles.get(load);
    const found = known?.find(
      (tile) =>
        tile.skipped === skipped &&
        tile.loadWords === loadWords &&
        tile.alphabet === shape.alphabet &&
        tile.planes === shape.planes &&
        tile.blocks === blocks &&
        tile.steps === steps,
    );
    if (found) return found;
    const place = load === undefined ? -1 : this.arena.allocate(shape.bytes);
    const kept = place >= 0;
    const address = kept ? place : this.spareTile(shape.bytes);
    const tile = { ...shape, blocks, steps, skipped, loadWords, address, kept };
    if (load !== undefined && kept) {
      if (known) known.push(tile);
      else this.tiles.set(load, [tile]);
    }
    this.convert(words.packed, tile);
    return tile;
  }

  /** Packed words become a tile of the kernels. */
  private convert(packed: () => PackedWords, tile: KeptTile): void {
    this.settle();
    const { bytes, wordStride, sliceStride } = packed();
    if (bytes.length > this.packedBytes) throw noRoom(bytes.length);
    this.view(this.packed, bytes.length).set(bytes);
    const { blocks, steps } = tile;
    const source = { source: this.packed, wordStride, sliceStride, blocks, steps };
    encodeConvert(this.queue.words, this.queue.next(), tile, tile.address, source);
    this.queue.publish();
  }

  /** A place for a tile that is not kept; whoever uses it settles. */
  private spareTile(bytes: number): number {
    if (bytes > this.spare.bytes) this.spare = { address: this.allocate(bytes), bytes };
    return this.spare.address;
  }

  private view(address: number, bytes: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, address, bytes);
  }

  /** Throws LutraError VAL002 if the memory of the kernels is full. */
  private allocate(bytes: number, alignment = 64): number {
    const address = this.arena.allocate(bytes, alignment, reservedBytes);
    if (address < 0) throw noRoom(bytes);
    return address;
  }
}

function noRoom(bytes: number): LutraError {
  return new LutraError({
    code: 'VAL002',
    message: `the memory of the kernels has no room for ${bytes} bytes more`,
    hint: 'run with --timing-only, or with LUTRA_KERNELS=plain',
  });
}

type Eight = readonly [number, number, number, number, number, number, number, number];
