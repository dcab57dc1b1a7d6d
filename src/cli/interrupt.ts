/** Ctrl-C: the first asks for an orderly end, the second ends the process at once. */
import { exitCodes } from '../base/diagnostics.ts';

export interface Interrupt {
  readonly asked: boolean;
}

/** Runs `work` with an interrupt flag that it looks at now and then. */
export async function withInterrupt<T>(work: (interrupt: Interrupt) => Promise<T>): Promise<T> {
  const interrupt = { asked: false };
  const onSignal = () => {
    // Leaving through exit also removes what is half-written.
    if (interrupt.asked) process.exit(exitCodes.interrupted);
    interrupt.asked = true;
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    return await work(interrupt);
  } finally {
    process.removeListener('SIGINT', onSignal);
    process.removeListener('SIGTERM', onSignal);
  }
}
