/** The machines and models of the repository, for tests. */
import { paperInputs } from '../../src/cli/paperInputs.ts';
import { loadTokenMachine, type TokenMachine } from '../../src/papers/flightllm/machine.ts';

export const inputs = paperInputs();

export function tokenMachine(name = 'flightllm-vhk158'): TokenMachine {
  const { file, text } = inputs.description(name);
  return loadTokenMachine(text, file);
}
