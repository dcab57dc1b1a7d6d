/**
 * Why a run was stopped or refused, once: the number that register `error` holds is the position in this list. The first
 * cause of a run stays.
 */
export const stopCauses = [
  { name: 'none', doc: 'The run was not stopped.' },
  { name: 'readError', doc: 'Memory answered a read with something else than OKAY.' },
  { name: 'writeError', doc: 'Memory answered a write with something else than OKAY.' },
  { name: 'readWindow', doc: 'The program wanted to read behind the last byte that it may touch.' },
  { name: 'writeWindow', doc: 'The program wanted to write outside the pages that it may write.' },
  { name: 'watchdog', doc: 'No token came for as long as register watchdog allows.' },
  { name: 'illegalInstruction', doc: 'The front end came upon an opcode that is not in the instruction set.' },
  { name: 'wrongProgram', doc: 'The start was refused: the program is for other hardware or another instruction set.' },
  { name: 'softReset', doc: 'The host stopped the run by reset.stop.' },
] as const;

export type StopCause = (typeof stopCauses)[number]['name'];

/** The number of a cause, as in register `error`. */
export function stopCode(cause: StopCause): number {
  return stopCauses.findIndex(({ name }) => name === cause);
}
