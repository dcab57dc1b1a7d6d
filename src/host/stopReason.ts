/** What the registers `error` and `errorAddress` mean, for people. */
import type { Diagnostic } from '../base/diagnostics.ts';
import { formatInstruction } from '../isa/assembler/disassemble.ts';
import type { ProgramImage } from '../isa/image.ts';
import { type StopCause, stopCauses } from '../isa/stopCauses.ts';
import { bytesPerInstruction, issueUnits } from '../isa/table.ts';
import { fieldsOf } from './registerAccess.ts';

/** Why a run was stopped or refused. */
export interface StopReason {
  readonly cause: StopCause | 'unknown';
  /** Whose burst or instruction it was. */
  readonly unit: string;
  readonly port: number;
  /** RRESP or BRESP by name. */
  readonly response: string;
  /** In the machine's memory; 0 where it does not matter. */
  readonly address: number;
  /** What lies there; undefined where the address does not matter, or the image is not known. */
  readonly place: string | undefined;
}

const responses = ['OKAY', 'EXOKAY', 'SLVERR', 'DECERR'];
const withAddress: readonly string[] = ['readWindow', 'writeWindow', 'illegalInstruction'];

/** The reason in the two registers of a run that was stopped. */
export function stopReason(error: number, errorAddress: number, image: ProgramImage | undefined): StopReason {
  const { code = 0, unit = 0, port = 0, response = 0 } = fieldsOf('error', error);
  const cause = stopCauses[code]?.name ?? 'unknown';
  return {
    cause,
    unit: issueUnits[unit] ?? String(unit),
    port,
    response: responses[response] ?? String(response),
    address: errorAddress,
    place: image && withAddress.includes(cause) ? placeOf(errorAddress, image) : undefined,
  };
}

/** What of an image lies at an address of the machine's memory. */
export function placeOf(address: number, image: ProgramImage): string {
  const index = Math.floor((address - image.codeAddress) / bytesPerInstruction);
  const instruction = image.code[index];
  if (instruction) return `instruction ${index} of the code, ${formatInstruction(instruction)}`;
  const inside = image.segments.find(
    (segment) => address >= segment.address && address < segment.address + segment.bytes,
  );
  if (inside) return `byte ${address - inside.address} of segment ${inside.name}`;
  if (address >= image.memoryBytes) return `behind the end of the program’s memory, ${hex(image.memoryBytes)}`;
  const before = image.segments.findLast((segment) => segment.address < address);
  return before ? `between segments, behind ${before.name}` : 'before the first segment';
}

const hex = (value: number) => `0x${value.toString(16)}`;

/** The reason as a diagnostic: HST020 and the cause's number. */
export function stopDiagnostic(reason: StopReason, cycles: number): Diagnostic {
  const { cause } = reason;
  const number = stopCauses.findIndex(({ name }) => name === cause);
  return {
    code: `HST0${20 + (number < 0 ? 19 : number)}`,
    message: `${sentence(reason)}, in cycle ${cycles}`,
    hint: hints[cause],
    exit: 'no',
  };
}

function sentence({ cause, unit, port, response, address, place }: StopReason): string {
  const where = `address ${hex(address)}${place === undefined ? '' : ` (${place})`}`;
  switch (cause) {
    case 'readError':
      return `the run was stopped: memory answered a read of ${unit} on port ${port} with ${response}`;
    case 'writeError':
      return `the run was stopped: memory answered a write of ${unit} on port ${port} with ${response}`;
    case 'readWindow':
      return `the run was stopped: ${unit} wanted to read from ${where} on port ${port}, behind the last page that may be read`;
    case 'writeWindow':
      return `the run was stopped: ${unit} wanted to write to ${where} on port ${port}, outside the pages that may be written`;
    case 'watchdog':
      return 'the run was stopped: no token came for as long as the watchdog allows';
    case 'illegalInstruction':
      return `the run was stopped: what the front end found at ${where} is no instruction`;
    case 'wrongProgram':
      return 'the start was refused: the program is for other hardware or another instruction set';
    case 'softReset':
      return 'the run was stopped by the host';
    default:
      return `the run was stopped, and the registers give no reason (cause ${cause})`;
  }
}

const hints: Readonly<Record<StopReason['cause'], string>> = {
  none: 'the design does not fit this host: export and build it again',
  unknown: 'the design is newer than this host: use the lutra that exported it',
  readError:
    'DECERR: nothing lies at that physical address, so look at memoryLow, memoryHigh and the address map of the design; SLVERR: memory refused it (protection, ECC)',
  writeError:
    'DECERR: nothing lies at that physical address, so look at memoryLow, memoryHigh and the address map of the design; SLVERR: memory refused it (protection, ECC)',
  readWindow: 'the program or its data in memory are damaged: load the image again',
  writeWindow: 'the program or its data in memory are damaged: load the image again',
  watchdog: 'allow more cycles, or look at the counters for the unit that waits',
  illegalInstruction: 'the program in memory is damaged: load the image again',
  wrongProgram: 'compile the program for this machine, or load the design that it was compiled for',
  softReset: 'start it again',
};
