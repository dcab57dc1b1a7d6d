/** The debugger on a terminal. */
import { createInterface, type Interface } from 'node:readline';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { exitCodes, LutraError } from '../base/diagnostics.ts';
import type { Debugger } from '../debug/debugger.ts';
import { Progress } from './output.ts';

const prompt = '(lutra) ';

/** Does one command; `stop` is asked now and then. */
export async function drive(debug: Debugger, line: string, stop: () => boolean): Promise<readonly string[]> {
  const answer = debug.execute(line);
  for (;;) {
    const { done, value } = answer.next();
    if (done) return value;
    await nextTurn();
    if (stop()) debug.session.interrupted = true;
  }
}

/**
 * Commands from a terminal, with history and completion. Ctrl-C stops what runs, or gives up what was typed; an empty line
 * repeats the last command, as in gdb; the end of input ends it.
 */
export class Dialogue {
  private readonly debug: Debugger;
  private readonly progress = new Progress(true);
  private readonly output: NodeJS.WritableStream;
  private readonly lines: Interface;
  /** Lines that came while a command was running. */
  private waiting: string[] = [];
  private running = false;
  private closed = false;
  private stop = false;
  private last = '';

  constructor(debug: Debugger, input: NodeJS.ReadableStream, output: NodeJS.WritableStream) {
    this.debug = debug;
    this.output = output;
    this.lines = createInterface({
      input,
      output,
      terminal: true,
      prompt,
      completer: (line: string) => debug.complete(line),
      historySize: 1000,
      removeHistoryDuplicates: true,
    });
  }

  /** Returns the exit code when it is over. */
  run(): Promise<number> {
    return new Promise((resolve, reject) => {
      const { lines } = this;
      const done = () => resolve(exitCodes.ok);
      lines.on('close', () => {
        this.closed = true;
        this.stop = true;
        if (!this.running) done();
      });
      lines.on('SIGINT', () => {
        this.waiting = [];
        if (this.running) this.stop = true;
        else {
          // What was typed is given up, as in a shell.
          lines.write(null, { ctrl: true, name: 'u' });
          this.say('\nquit leaves');
          lines.prompt();
        }
      });
      lines.on('line', (line) => {
        this.waiting.push(line);
        if (this.running) return;
        this.work().then(
          () => this.closed && done(),
          (error) => {
            lines.close();
            reject(error);
          },
        );
      });
      lines.prompt();
    });
  }

  private say(line: string): void {
    this.output.write(`${line}\n`);
  }

  /** Does all that was asked for, one by one. */
  private async work(): Promise<void> {
    this.running = true;
    try {
      for (let line = this.waiting.shift(); line !== undefined && !this.debug.ended; line = this.waiting.shift()) {
        await this.command(line);
      }
    } finally {
      this.running = false;
    }
    if (this.debug.ended) this.lines.close();
    else if (!this.closed) this.lines.prompt();
  }

  private async command(line: string): Promise<void> {
    const text = line.trim() === '' ? this.last : line;
    this.last = text;
    this.stop = false;
    try {
      const { session } = this.debug;
      const answers = await drive(this.debug, text, () => {
        this.progress.update(() => `cycle ${session.machine.cycle}, ${session.tokens.length} tokens`);
        return this.stop;
      });
      this.progress.clear();
      for (const answer of answers) this.say(answer);
    } catch (error) {
      this.progress.clear();
      if (!(error instanceof LutraError) || error.exit === 'internal') throw error;
      this.say(error.message);
    }
  }
}
