/** What the user wants continued, as text and as token ids, and how. */
import { LutraError } from '../base/diagnostics.ts';
import { checkPromptLength, type RunRequest } from '../machine/run.ts';
import type { Program } from './inputs.ts';
import type { RequestOptions } from './options.ts';

export const defaultPrompt = 'Once upon a time, there was a little girl named Lily.';

export interface Prompt {
  /** Null where the prompt was not given as text. */
  readonly text: string | null;
  readonly ids: readonly number[];
}

/**
 * The prompt of a run. Text needs a tokenizer; N arbitrary tokens and hand-written programs do not.
 * Throws LutraError CLI003–CLI005, RUN002.
 */
export function readPrompt(program: Program, options: RequestOptions): Prompt {
  const { metadata } = program.image;
  if (options.promptTokens !== undefined) {
    if (options.prompt !== undefined) {
      throw new LutraError({
        code: 'CLI003',
        message: '--prompt and --prompt-tokens exclude each other',
        exit: 'usage',
      });
    }
    // Before so many are made.
    checkPromptLength(options.promptTokens, metadata.maxPositions);
    return { text: null, ids: arbitraryTokens(options.promptTokens, metadata.vocabularySize, metadata.bosTokenId) };
  }
  if (metadata.modelName === 'none' && options.prompt === undefined) return { text: null, ids: [metadata.bosTokenId] };
  const text = options.prompt ?? defaultPrompt;
  if (text === '') {
    throw new LutraError({ code: 'CLI004', message: 'the prompt is empty', hint: 'give --prompt a text to continue' });
  }
  if (!program.tokenizer) {
    throw new LutraError({
      code: 'CLI005',
      message: 'there is no tokenizer.json with this program, so a text prompt cannot be read',
      hint: 'use --prompt-tokens N',
    });
  }
  const written = options.chat ? program.tokenizer.applyChatTemplate([{ role: 'user', content: text }]) : text;
  return { text, ids: program.tokenizer.encode(written) };
}

/** What the machine is asked to do with a prompt. */
export function runRequest({ image }: Program, prompt: Prompt, options: RequestOptions): RunRequest {
  return {
    prompt: prompt.ids,
    maxNewTokens: options.maxTokens,
    temperature: options.temperature,
    topK: options.topK,
    seed: options.seed,
    stopTokens: options.ignoreStop ? [] : image.metadata.eosTokenIds,
  };
}

/** Token ids that only have to be there, the model’s begin-of-sequence token first if it has one. */
function arbitraryTokens(count: number, vocabularySize: number, bosTokenId: number): number[] {
  const ids = Array.from({ length: count }, (_, i) => (i * 7919 + 17) % vocabularySize);
  if (bosTokenId >= 0) ids[0] = bosTokenId;
  return ids;
}
