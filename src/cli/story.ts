import type { Tokenizer } from '../model/index.ts';
import { dim, type Progress, print } from './output.ts';

export interface StoryOptions {
  /** False: the text is only collected. */
  readonly speaks: boolean;
  /** False: tokens mean nothing, and there is no text. */
  readonly values: boolean;
  readonly tokenizer: Tokenizer | undefined;
  /** What the text continues, if it was given as text. */
  readonly prompt: string | null;
  readonly progress: Progress;
}

/** The text of a run as it comes, on stdout unless a JSON object is to be there. */
export class Story {
  text = '';
  private readonly options: StoryOptions;
  private readonly decoder;
  private said = false;

  constructor(options: StoryOptions) {
    this.options = options;
    this.decoder = options.values ? options.tokenizer?.stream() : undefined;
  }

  begin(): void {
    const { values, prompt } = this.options;
    if (values && prompt !== null) this.say(dim(prompt));
  }

  token(token: number, stopTokens: readonly number[]): void {
    if (!this.decoder) {
      if (this.options.values) this.say(`${token} `);
    } else if (!stopTokens.includes(token)) this.write(this.decoder.push(token));
  }

  end(): void {
    if (this.decoder) this.write(this.decoder.end());
    if (this.said) this.say('\n\n');
  }

  private write(piece: string): void {
    this.text += piece;
    this.say(piece);
  }

  private say(text: string): void {
    const { speaks, progress } = this.options;
    if (!speaks || text === '') return;
    this.said = true;
    // On a terminal the progress line would erase the line that the text is on.
    if (process.stdout.isTTY) progress.stop();
    else progress.clear();
    print(text);
  }
}
