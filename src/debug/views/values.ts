/** Buffers and memory as tensors, numbers and bytes. */
import { decodeFloat } from '../../base/float.ts';
import { derive } from '../../hw/index.ts';
import { spaceUnits } from '../../isa/footprint.ts';
import { bytesPerInstruction, memoryFormatBytes, type Space, spaceSizes, spaces } from '../../isa/index.ts';
import { grouped, table } from '../../report/format.ts';
import { unitName } from '../names.ts';
import type { Session } from '../session.ts';
import { type Address, checkRange, wrong } from '../words.ts';
import type { Written } from '../writers.ts';
import { wordLines } from './tables.ts';

/** Formats that memory can be shown in. */
export const dumpFormats = ['bytes', 'int8', 'int32', 'float32', 'float16', 'bfloat16'] as const;
export type DumpFormat = (typeof dumpFormats)[number];

/** Rows and elements of a row that are shown unless more are asked for. */
const shownRows = 8;
const shownElements = 8;

/** Rows of elements of one buffer. */
interface Tensor {
  readonly space: Space;
  readonly begin: number;
  readonly rows: number;
  readonly width: number;
  readonly pitch: number;
}

/** Throws LutraError DBG007 where no values are computed. */
function buffersOf({ machine }: Session) {
  const { buffers } = machine;
  if (buffers) return buffers;
  throw wrong('DBG007', 'no values are computed in this run', 'start lutra debug without --timing-only');
}

/** Reads an element: of `kv` one in the store's format, in bytes from the start of the tensor. */
function reader(session: Session, { space, begin, pitch }: Tensor): (row: number, column: number) => number {
  const buffers = buffersOf(session);
  if (space === 'kv') {
    const { format } = session.target.hw.kvStore;
    const { kvElementBytes } = derive(session.target.hw);
    const view = new DataView(buffers.kv.buffer, buffers.kv.byteOffset);
    return (row, column) => {
      const at = begin + row * pitch + column * kvElementBytes;
      return decodeFloat(format, format === 'float32' ? view.getUint32(at, true) : view.getUint16(at, true));
    };
  }
  const elements = buffers[space as 'act' | 'coef' | 'acc' | 'input'];
  return (row, column) => elements[begin + row * pitch + column] as number;
}

const formatOf = ({ target }: Session, space: Space): string =>
  ({ act: target.hw.vector.format, coef: 'float32', acc: 'int32', input: 'int8', kv: target.hw.kvStore.format })[
    space as 'act'
  ];

/** Who wrote something, in model terms. */
function writtenBy({ names }: Session, { unit, command, cycle, read }: Written): string {
  const marks = names.marks(command.marks);
  const source = read.find(({ space }) => space === 'ddr');
  const from = source === undefined ? '' : ` from ${names.memory(source.begin) ?? `memory ${source.begin}`}`;
  const notes = [names.place(command.pc), names.line(command.pc), marks].filter((text) => text !== '');
  return `${command.spec.name}${from} (${notes.join('; ')}), which ${unitName(unit)} began in cycle ${cycle}`;
}

/** The tensor that was written last where an address is; or rows and elements as they are asked for. */
export function printLines(
  session: Session,
  { space, at }: Address,
  shape: readonly number[],
  whole: boolean,
): string[] {
  if (space === 'ddr') return dumpLines(session, at, (shape[0] ?? 1) * (shape[1] ?? 64), 'bytes');
  if (space === 'weights') return wordLines(session, at, shape[0] ?? 1);
  const elementBytes = space === 'kv' ? derive(session.target.hw).kvElementBytes : 1;
  const written = session.writers.at(space, at);
  let tensor: Tensor;
  if (shape.length === 0 && written) {
    const { begin, rows, width, pitch } = written.range;
    const byRows = rowsOf(written);
    tensor =
      rows === 1 && byRows > 1 && width % byRows === 0
        ? { space, begin, rows: byRows, width: width / byRows / elementBytes, pitch: width / byRows }
        : { space, begin, rows, width: width / elementBytes, pitch };
  } else {
    const [rows, width] = shape.length === 2 ? (shape as [number, number]) : [1, shape[0] ?? shownElements];
    const pitch = width * elementBytes;
    checkRange({ space, at }, rows * pitch, `${space}:${at}`, session.target.hw);
    tensor = { space, begin: at, rows, width, pitch };
  }
  const { rows, width, begin } = tensor;
  const head = `${space} from ${begin}: ${rows} × ${width} ${formatOf(session, space)}`;
  const who = written === undefined ? 'never written' : `written by ${writtenBy(session, written)}`;
  return [`${head}, ${who}`, ...tensorLines(session, tensor, whole || shape.length > 0)];
}

/** Rows of a write that touch each other are one run in its footprint; the instruction knows better. */
function rowsOf({ command }: Written): number {
  const at = command.spec.operands.findIndex(({ name }) => name === 'rows');
  return at < 0 ? 1 : (command.values[at] ?? 1);
}

function tensorLines(session: Session, tensor: Tensor, whole: boolean): string[] {
  const { rows, width } = tensor;
  const read = reader(session, tensor);
  let [low, high, squares, odd] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < width; column++) {
      const value = read(row, column);
      if (!Number.isFinite(value)) odd += 1;
      else [low, high, squares] = [Math.min(low, value), Math.max(high, value), squares + value * value];
    }
  }
  const finite = rows * width - odd;
  const range =
    finite === 0 ? '' : `from ${short(low)} to ${short(high)}, root mean square ${short(Math.sqrt(squares / finite))}`;
  const lines = [`  ${[range, odd === 0 ? '' : `${odd} not finite`].filter((text) => text !== '').join('; ')}`];
  const lastRow = whole ? rows : Math.min(rows, shownRows);
  const lastColumn = whole ? width : Math.min(width, shownElements);
  for (let row = 0; row < lastRow; row++) {
    const values = Array.from({ length: lastColumn }, (_, column) => short(read(row, column)));
    const label = rows === 1 ? '' : `row ${row}: `;
    lines.push(`  ${label}${values.join(' ')}${lastColumn < width ? ' …' : ''}`);
  }
  if (lastRow < rows) lines.push(`  … ${rows - lastRow} more rows (print ADDRESS all shows them)`);
  return lines;
}

function short(value: number): string {
  if (!Number.isFinite(value) || Number.isInteger(value)) return Object.is(value, -0) ? '-0' : String(value);
  return String(Number(value.toPrecision(6)));
}

/** What lies in each buffer, or in one: shapes, and who wrote them. */
export function bufferLines(session: Session, only: Space | undefined): string[] {
  const sizes = spaceSizes(session.target.hw);
  return spaces
    .filter((space) => space !== 'ddr' && (only === undefined || space === only))
    .flatMap((space) => {
      const written = session.writers.of(space);
      const shown = only === undefined ? written.slice(0, 4) : written;
      const lines = shown.map((one) => `  ${session.names.footprint(one.range)}: ${writtenBy(session, one)}`);
      const more = written.length - shown.length;
      return [
        `${space}: ${grouped(sizes[space])} ${spaceUnits[space]}${written.length === 0 ? ', nothing written yet' : ''}`,
        ...lines,
        ...(more === 0 ? [] : [`  … ${more} more (buffers ${space} shows them)`]),
      ];
    });
}

/** Memory as rows of bytes or numbers. */
export function dumpLines(session: Session, at: number, count: number, format: DumpFormat): string[] {
  const { machine, target, names } = session;
  const size = format === 'bytes' ? 1 : memoryFormatBytes[format];
  checkRange({ space: 'ddr', at }, count * size, `ddr:${at}`, target.hw);
  const bytes = machine.store.copy(at, count * size);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const perRow = 16 / size;
  const lines = [`memory from ${at} (0x${at.toString(16)})${named(names.memory(at))}`];
  for (let first = 0; first < count; first += perRow) {
    const values = Array.from({ length: Math.min(perRow, count - first) }, (_, index) =>
      element(view, (first + index) * size, format),
    );
    lines.push(`  ${(at + first * size).toString(16).padStart(8, '0')}  ${values.join(' ')}`);
  }
  return lines;
}

const named = (name: string | undefined) => (name === undefined ? '' : `, ${name}`);

function element(view: DataView, at: number, format: DumpFormat): string {
  if (format === 'bytes') return view.getUint8(at).toString(16).padStart(2, '0');
  if (format === 'int8') return String(view.getInt8(at));
  if (format === 'int32') return String(view.getInt32(at, true));
  return short(decodeFloat(format, format === 'float32' ? view.getUint32(at, true) : view.getUint16(at, true)));
}

/** The segments of memory, or what lies at one address. */
export function mapLines({ target, names }: Session, only?: Address): string[] {
  if (only && only.space !== 'ddr')
    throw wrong('DBG005', `${only.space} is a buffer`, `buffers ${only.space} says what is in it`);
  if (only) return [`  0x${only.at.toString(16)} is ${names.memory(only.at) ?? 'in no segment'}`];
  const { segments, code, codeAddress } = target.image;
  const all = [
    ...segments.map(({ name, kind, address, bytes }) => ({ name, kind: kind as string, address, bytes })),
    { name: 'code', kind: 'code', address: codeAddress, bytes: bytesPerInstruction * code.length },
  ].sort((a, b) => a.address - b.address);
  return table(
    [
      ['address', 'bytes', 'kind', 'segment'],
      ...all.map(({ name, kind, address, bytes }) => [`0x${address.toString(16)}`, grouped(bytes), kind, name]),
    ],
    'left',
  );
}
