/**
 * Text ↔ token ids through `@huggingface/tokenizers`, checked against the model.
 *
 * Errors: TOK001–TOK009.
 */

import { Tokenizer as HubTokenizer } from '@huggingface/tokenizers';
import { type Diagnostic, LutraError } from '../base/diagnostics.ts';
import { parseJson } from '../base/json.ts';
import { renderTemplate } from './chatTemplate.ts';
import { decodeText } from './directory.ts';
import { type StreamDecoder, streamDecoder } from './streamDecoder.ts';

export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

export interface Tokenizer {
  /** Token ids of a prompt; they begin with the model's BOS token, if it has one. Throws LutraError TOK006, TOK009. */
  encode(text: string): number[];
  /** Text of token ids; special tokens are left out, spaces are kept as they are. */
  decode(tokenIds: readonly number[]): string;
  /** A decoder for tokens that arrive one by one. */
  stream(): StreamDecoder;
  /**
   * The prompt text of a conversation, ready for the model's answer.
   * Throws LutraError TOK007 when the model has no chat template, TOK008 when it fails.
   */
  applyChatTemplate(messages: readonly ChatMessage[]): string;
}

/** The files of a tokenizer as the reader gives them; the names serve messages. */
export interface TokenizerFiles {
  readonly tokenizerJson: Uint8Array | undefined;
  readonly tokenizerConfigJson?: Uint8Array | undefined;
  /** Newer models keep the chat template in a file of its own, `chat_template.jinja`. */
  readonly chatTemplate?: Uint8Array | undefined;
  /** The directory or image the files come from; leads their names in messages. */
  readonly origin: string;
}

/** What a tokenizer must agree with. */
export interface TokenizerModel {
  readonly vocabularySize: number;
  /** −1: none. */
  readonly bosTokenId: number;
  readonly eosTokenIds: readonly number[];
}

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function error(code: string, file: string, message: string, more: Partial<Diagnostic> = {}): LutraError {
  return new LutraError({ code, message, place: { file }, ...more });
}

const firstLine = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause)).split('\n', 1)[0] ?? '';

/** `JSON.parse` for speed, as vocabularies are large; the strict parser explains what is wrong. */
function parseObject(bytes: Uint8Array, file: string): Fields {
  const text = decodeText(bytes, file, 'TOK002');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = parseJson(text, file).value;
  }
  if (isObject(value)) return value;
  throw error('TOK002', file, 'the file does not hold a JSON object');
}

const vocabularyHint = 'tokenizer.json and config.json belong to different models';

/** "left right", or ["left", "right"]. */
const isMerge = (merge: unknown) =>
  typeof merge === 'string'
    ? merge.includes(' ')
    : Array.isArray(merge) && merge.length === 2 && merge.every((part) => typeof part === 'string');

/** Token ids of the vocabulary and of the added tokens; checked before the library makes room for the largest. */
function readTokenIds(json: Fields, file: string): number[] {
  const bad = (what: string, hint?: string) =>
    error('TOK003', file, `the tokenizer is not understood: ${what}`, hint === undefined ? {} : { hint });
  const model = json.model;
  if (!isObject(model)) throw bad('there is no model');
  const { type, vocab } = model;
  if (type !== 'BPE' && type !== 'Unigram' && type !== 'WordPiece') {
    throw bad(`model type ${JSON.stringify(type)}`, 'supported are BPE, Unigram and WordPiece');
  }
  if (type === 'Unigram' ? !Array.isArray(vocab) : !isObject(vocab)) throw bad('there is no vocabulary');
  const added = json.added_tokens ?? [];
  if (!Array.isArray(added)) throw bad('added_tokens is not a list');
  const merges = isObject(model) ? (model.merges ?? []) : [];
  if (!Array.isArray(merges) || !merges.every(isMerge)) throw bad('merges is not a list of pairs');
  for (const token of added as readonly unknown[]) {
    if (!isObject(token) || typeof token.content !== 'string') throw bad('an added token has no content');
  }
  const ids: unknown[] = Array.isArray(vocab) ? vocab.map((_, index) => index) : Object.values(vocab as Fields);
  for (const token of added as readonly unknown[]) ids.push(isObject(token) ? token.id : token);
  for (const id of ids) if (!Number.isInteger(id) || (id as number) < 0) throw bad(`token id ${JSON.stringify(id)}`);
  return ids as number[];
}

/** Every token must have a row in the model, and the model's special tokens a name in the tokenizer. */
function checkAgainstModel(tokenIds: readonly number[], model: TokenizerModel, file: string): void {
  const known = new Set(tokenIds);
  let largest = -1;
  for (const id of known) largest = Math.max(largest, id);
  if (largest >= model.vocabularySize) {
    const message = `the tokenizer has token ids up to ${largest}, the model's vocabulary ends at ${model.vocabularySize - 1}`;
    throw error('TOK004', file, message, { hint: vocabularyHint });
  }
  const special: [key: string, id: number][] = [['bos_token_id', model.bosTokenId]];
  for (const id of model.eosTokenIds) special.push(['eos_token_id', id]);
  for (const [key, id] of special) {
    if (id < 0 || known.has(id)) continue;
    throw error('TOK005', file, `the model's ${key} ${id} is no token of the tokenizer`, { hint: vocabularyHint });
  }
}

function openHub(json: Fields, config: Fields, file: string): HubTokenizer {
  try {
    return new HubTokenizer({ ...json, added_tokens: json.added_tokens ?? [] }, config);
  } catch (cause) {
    throw error('TOK003', file, `the tokenizer is not understood: ${firstLine(cause)}`);
  }
}

/** A special token of tokenizer_config.json: a string or an object with its content. */
function tokenText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  const content = isObject(value) ? value.content : undefined;
  return typeof content === 'string' ? content : undefined;
}

/** The template of tokenizer_config.json: a string, or a list of named ones with a "default". */
function templateText(config: Fields): string | undefined {
  const template = config.chat_template;
  if (typeof template === 'string' || !Array.isArray(template)) return tokenText(template);
  const named = (template as readonly unknown[]).filter(isObject);
  return tokenText(named.find(({ name }) => name === 'default')?.template);
}

function renderChat(template: string, config: Fields, messages: readonly ChatMessage[], file: string): string {
  try {
    return renderTemplate(template, {
      messages: messages.map(({ role, content }) => ({ role, content })),
      add_generation_prompt: true,
      bos_token: tokenText(config.bos_token) ?? '',
      eos_token: tokenText(config.eos_token) ?? '',
    });
  } catch (cause) {
    throw error('TOK008', file, `the chat template failed: ${firstLine(cause)}`);
  }
}

/**
 * Opens a tokenizer and checks that it fits the model.
 * Throws LutraError TOK001 no file, TOK002/JSON0xx not JSON, TOK003 not understood, TOK004/TOK005 does not match.
 */
export function openTokenizer(files: TokenizerFiles, model: TokenizerModel): Tokenizer {
  const path = (name: string) => (files.origin === '' ? name : `${files.origin.replace(/\/+$/, '')}/${name}`);
  const file = path('tokenizer.json');
  if (files.tokenizerJson === undefined) {
    throw error('TOK001', files.origin, 'there is no tokenizer.json', { hint: 'give the prompt as --prompt-tokens N' });
  }
  const configFile = path('tokenizer_config.json');
  const config = files.tokenizerConfigJson === undefined ? {} : parseObject(files.tokenizerConfigJson, configFile);
  const json = parseObject(files.tokenizerJson, file);
  checkAgainstModel(readTokenIds(json, file), model, file);
  const hub = openHub(json, config, file);
  const hubEncode = (text: string) => {
    try {
      return hub.encode(text);
    } catch (cause) {
      throw error('TOK009', file, `the tokenizer fails on the prompt: ${firstLine(cause)}`);
    }
  };

  const decode = (tokenIds: readonly number[]): string => {
    // A model's vocabulary may be larger than the tokenizer's; such ids have no text.
    const known = tokenIds.filter((id) => hub.id_to_token(id) !== undefined);
    if (known.length === 0) return '';
    return hub.decode(known, { skip_special_tokens: true, clean_up_tokenization_spaces: false });
  };
  return {
    encode(text) {
      const { ids, tokens }: { ids: readonly (number | undefined)[]; tokens: readonly string[] } = hubEncode(text);
      const unknown = ids.indexOf(undefined);
      if (unknown >= 0) {
        const token = JSON.stringify(tokens[unknown]);
        throw error('TOK006', file, `the tokenizer has no token for ${token} in the prompt`);
      }
      const known = ids as number[];
      return model.bosTokenId < 0 || known[0] === model.bosTokenId ? known : [model.bosTokenId, ...known];
    },
    decode,
    stream: () => streamDecoder(decode),
    applyChatTemplate(messages) {
      const own = files.chatTemplate && decodeText(files.chatTemplate, path('chat_template.jinja'), 'TOK002');
      const template = own ?? templateText(config);
      if (template === undefined)
        throw error('TOK007', configFile, 'the model has no chat template', { hint: 'give a plain prompt' });
      return renderChat(template, config, messages, own === undefined ? configFile : path('chat_template.jinja'));
    },
  };
}
