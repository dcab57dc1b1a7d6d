/** Floats between the formats of external memory and float32, as the decoders and encoders of src/base/float.ts do it. */
import { address, chunkStart, word } from './access';
import { decode16, encode16, encode32, round } from './floats';
import { floatsCount, floatsFormat, floatsFrom, floatsRound, floatsTo, machineActFormat } from './layout';
import { storeHalves, storeSome } from './rows';

/** Memory's floats to elements, rounded to the format of `act` or not. Chunks are whole vectors. */
export function loadFloats(machine: usize, record: usize, chunk: i32): void {
  const count = word(record, floatsCount);
  const vectors = (count + 3) >> 2;
  const end = min(count, chunkStart(record, vectors, chunk + 1) << 2);
  const format = word(record, floatsFormat);
  const act = word(record, floatsRound) !== 0 ? word(machine, machineActFormat) : 0;
  const from = address(record, floatsFrom);
  const to = address(record, floatsTo);
  const shift = format === 0 ? 2 : 1;
  for (let i = chunkStart(record, vectors, chunk) << 2; i < end; i += 4) {
    const at = from + (i << shift);
    storeSome(to + (i << 2), round(format === 0 ? v128.load(at) : decode16(at, format), act), end - i);
  }
}

/** The other way round; every NaN becomes the canonical one. */
export function storeFloats(record: usize, chunk: i32): void {
  const count = word(record, floatsCount);
  const vectors = (count + 3) >> 2;
  const end = min(count, chunkStart(record, vectors, chunk + 1) << 2);
  const format = word(record, floatsFormat);
  const from = address(record, floatsFrom);
  const to = address(record, floatsTo);
  for (let i = chunkStart(record, vectors, chunk) << 2; i < end; i += 4) {
    const x = v128.load(from + (i << 2));
    if (format === 0) storeSome(to + (i << 2), encode32(x), end - i);
    else storeHalves(to + (i << 1), encode16(x, format), end - i);
  }
}
