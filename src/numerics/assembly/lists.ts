/** Rows to the key and value store (src/numerics/attention.ts), and the sampler's list (src/numerics/sampler.ts). */
import { address, chunkStart, word } from './access';
import { encode16, encode32, notNumber } from './floats';
import {
  machineAct,
  machineCandidates,
  machineCount,
  machineKv,
  machineKvFormat,
  machineLogits,
  machineTokens,
  rowsCount,
  rowsDst,
  rowsElements,
  rowsSrc,
  rowsSrcPitch,
  scanFirstToken,
} from './layout';
import { storeHalves, storeSome } from './rows';

/** Chunks are rows. */
export function append(machine: usize, record: usize, chunk: i32): void {
  const rows = word(record, rowsCount);
  const end = chunkStart(record, rows, chunk + 1);
  const elements = word(record, rowsElements);
  const format = word(machine, machineKvFormat);
  const bytes = format === 0 ? 4 : 2;
  for (let row = chunkStart(record, rows, chunk); row < end; row++) {
    let from = address(machine, machineAct) + ((word(record, rowsSrc) + row * word(record, rowsSrcPitch)) << 2);
    let to = address(machine, machineKv) + address(record, rowsDst) + row * elements * bytes;
    for (let left = elements; left > 0; left -= 4) {
      const x = v128.load(from);
      if (format === 0) storeSome(to, encode32(x), left);
      else storeHalves(to, encode16(x, format), left);
      from += 16;
      to += 4 * bytes;
    }
  }
}

/** Once the list is full, only what is larger than its last logit, and so no NaN, is looked at closer. */
export function scan(machine: usize, record: usize): void {
  const elements = word(record, rowsElements);
  const firstToken = word(record, scanFirstToken);
  const from = address(machine, machineAct) + (address(record, rowsSrc) << 2);
  const logits = address(machine, machineLogits);
  const full = word(machine, machineCandidates);
  const counter = address(machine, machineCount);
  const last = logits + ((full - 1) << 2);
  let i = 0;
  while (i < elements) {
    if (load<i32>(counter) === full) {
      const least = v128.load_splat<f32>(last);
      while (i + 4 <= elements && !v128.any_true(f32x4.gt(v128.load(from + (i << 2)), least))) i += 4;
    }
    const end = min(elements, i + 4);
    for (; i < end; i++) {
      const value = load<f32>(from + (i << 2));
      const logit: f32 = notNumber(value) ? -Infinity : value;
      if (load<i32>(counter) === full && logit <= load<f32>(last)) continue;
      insert(logits, address(machine, machineTokens), counter, full, logit, firstToken + i);
    }
  }
}

function insert(logits: usize, tokens: usize, counter: usize, full: i32, logit: f32, token: i32): void {
  const count = load<i32>(counter);
  let at = count;
  while (at > 0 && logit > load<f32>(logits + ((at - 1) << 2))) at--;
  if (at === full) return;
  const kept = min(count, full - 1);
  const moved = (kept - at) << 2;
  memory.copy(logits + ((at + 1) << 2), logits + (at << 2), moved);
  memory.copy(tokens + ((at + 1) << 2), tokens + (at << 2), moved);
  store<f32>(logits + (at << 2), logit);
  store<i32>(tokens + (at << 2), token);
  store<i32>(counter, kept + 1);
}
