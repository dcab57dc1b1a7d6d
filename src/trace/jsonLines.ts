import type { TraceSink } from './events.ts';

/** Characters collected before a write. */
const blockLength = 1 << 16;

/** A sink that writes one JSON object per line: `{"type":"instruction",…}` or `{"type":"token",…}`. */
export function jsonLinesSink(write: (text: string) => void): TraceSink & { flush(): void } {
  let block = '';
  const add = (value: unknown) => {
    block += `${JSON.stringify(value)}\n`;
    if (block.length >= blockLength) flush();
  };
  const flush = () => {
    if (block !== '') write(block);
    block = '';
  };
  return {
    instruction: (event) => add({ type: 'instruction', ...event }),
    token: (event) => add({ type: 'token', ...event }),
    flush,
  };
}
