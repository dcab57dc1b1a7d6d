import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openTokenizer, readConfig, type TokenizerFiles } from '../../src/model/index.ts';
import { streamDecoder } from '../../src/model/streamDecoder.ts';
import { directoryOnDisk, messageOf, ternStories } from './files.ts';

interface GoldenText {
  readonly prompt: string;
  readonly prompt_ids: number[];
  readonly output_ids: number[];
  readonly text: string;
}

const directory = directoryOnDisk(ternStories);
const tokenizerJson = directory.read('tokenizer.json') as Uint8Array;
const { shape } = readConfig(directory);
const bytes = (value: unknown) => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
const golden: GoldenText[] = JSON.parse(new TextDecoder().decode(directory.read('golden.json'))).golden;

const open = (files: Partial<TokenizerFiles> = {}, model = shape) =>
  openTokenizer({ tokenizerJson, origin: 'm', ...files }, model);

describe('the tokenizer of the small model', () => {
  const tokenizer = open();

  it('gives the golden prompt ids and texts', () => {
    expect(golden).toHaveLength(20);
    for (const { prompt, prompt_ids, output_ids, text } of golden) {
      expect(tokenizer.encode(prompt)).toEqual(prompt_ids);
      expect(tokenizer.decode([...prompt_ids, ...output_ids])).toBe(text);
    }
  });

  it('begins every prompt with BOS, once', () => {
    expect(tokenizer.encode('')).toEqual([0]);
    expect(tokenizer.encode('<|endoftext|>Once')).toEqual(tokenizer.encode('Once'));
    expect(open({}, { ...shape, bosTokenId: -1 }).encode('Once')).toEqual(tokenizer.encode('Once').slice(1));
  });

  it('brings any text back, as a whole and token by token', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
        const ids = tokenizer.encode(text);
        expect(tokenizer.decode(ids)).toBe(text);
        const stream = tokenizer.stream();
        expect(ids.map((id) => stream.push(id)).join('') + stream.end()).toBe(text);
      }),
    );
  });

  it('streams any tokens to the text of the whole, never half a character', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 2047 }), { maxLength: 80 }), (ids) => {
        const stream = tokenizer.stream();
        const pieces = ids.map((id) => stream.push(id));
        for (const piece of pieces) expect(piece).not.toMatch(/\p{Surrogate}/u);
        expect(pieces.join('') + stream.end()).toBe(tokenizer.decode(ids));
      }),
      { numRuns: 300 },
    );
  });

  it('holds an emoji back until its last byte', () => {
    const ids = tokenizer.encode('a😀b').slice(1);
    const stream = tokenizer.stream();
    const pieces = ids.map((id) => stream.push(id));
    expect(pieces.filter((piece) => piece !== '')).toEqual(['a', '😀', 'b']);
    expect(pieces.length).toBeGreaterThan(3);
    stream.push(ids[1] as number);
    expect(stream.end()).toBe('\ufffd');
    expect(stream.end()).toBe('');
  });

  it('keeps spaces before punctuation and leaves special tokens out', () => {
    expect(tokenizer.decode(tokenizer.encode("He said , don 't !"))).toBe("He said , don 't !");
    expect(tokenizer.decode([0, ...tokenizer.encode('Hi'), 0])).toBe('Hi');
    expect(tokenizer.decode([])).toBe('');
  });
});

describe('stream decoding', () => {
  it('costs the same per token in a long text', () => {
    let longest = 0;
    const stream = streamDecoder((ids) => {
      longest = Math.max(longest, ids.length);
      return ids.map((id) => String.fromCharCode(id)).join('');
    });
    const text = 'The quick brown fox jumps over the lazy dog. '.repeat(20);
    expect([...text].map((c) => stream.push(c.charCodeAt(0))).join('')).toBe(text);
    expect(longest).toBeLessThan(40);
  });

  it('keeps the spaces that some decoders drop at the start', () => {
    const stream = streamDecoder((ids) =>
      ids
        .map((id) => ` w${id}`)
        .join('')
        .slice(1),
    );
    const words = Array.from({ length: 50 }, (_, i) => i);
    expect(words.map((id) => stream.push(id)).join('')).toBe(words.map((id) => `w${id}`).join(' '));
  });
});

describe('a tokenizer that does not fit', () => {
  const small = (changes: Record<string, unknown> = {}) => ({
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
    model: { type: 'BPE', vocab: { a: 0, b: 1 }, merges: [] },
    ...changes,
  });
  const message = (json: unknown, model = { vocabularySize: 4, bosTokenId: -1, eosTokenIds: [] as number[] }) =>
    messageOf(() => openTokenizer({ tokenizerJson: json === undefined ? undefined : bytes(json), origin: 'm' }, model));
  const hint = '(tokenizer.json and config.json belong to different models)';

  it('is refused with the reason', () => {
    expect(message(undefined)).toBe(
      'error[TOK001] m there is no tokenizer.json (give the prompt as --prompt-tokens N)',
    );
    expect(message('[1]')).toBe('error[TOK002] m/tokenizer.json the file does not hold a JSON object');
    expect(message('{"model":')).toMatch(/^error\[JSON001\] m\/tokenizer\.json:1:10 /);
    expect(message({})).toBe('error[TOK003] m/tokenizer.json the tokenizer is not understood: there is no model');
    expect(message(small({ model: { type: 'Nonsense', vocab: {} } }))).toBe(
      'error[TOK003] m/tokenizer.json the tokenizer is not understood: model type "Nonsense" (supported are BPE, Unigram and WordPiece)',
    );
    expect(message(small({ decoder: { type: 'Odd' } }))).toBe(
      'error[TOK003] m/tokenizer.json the tokenizer is not understood: Unknown Decoder type: Odd',
    );
    const vocabulary = (vocab: unknown, more = {}) =>
      message(small({ model: { type: 'BPE', vocab, merges: [] }, ...more }));
    expect(vocabulary([])).toBe(
      'error[TOK003] m/tokenizer.json the tokenizer is not understood: there is no vocabulary',
    );
    expect(vocabulary({ a: -1 })).toBe('error[TOK003] m/tokenizer.json the tokenizer is not understood: token id -1');
    expect(vocabulary({ a: '1' })).toBe('error[TOK003] m/tokenizer.json the tokenizer is not understood: token id "1"');
    expect(vocabulary({ a: 0 }, { added_tokens: 3 })).toBe(
      'error[TOK003] m/tokenizer.json the tokenizer is not understood: added_tokens is not a list',
    );
    expect(vocabulary({ a: 0 }, { added_tokens: [{ id: 1e15, content: 'x' }] })).toBe(
      `error[TOK004] m/tokenizer.json the tokenizer has token ids up to 1000000000000000, the model's vocabulary ends at 3 ${hint}`,
    );
    expect(message(small())).toBe('no error');
    expect(message(small({ model: { type: 'BPE', vocab: { a: 0, b: 9 }, merges: [] } }))).toBe(
      `error[TOK004] m/tokenizer.json the tokenizer has token ids up to 9, the model's vocabulary ends at 3 ${hint}`,
    );
    const model = { vocabularySize: 4, bosTokenId: 3, eosTokenIds: [0] };
    expect(message(small(), model)).toBe(
      `error[TOK005] m/tokenizer.json the model's bos_token_id 3 is no token of the tokenizer ${hint}`,
    );
    expect(message(small(), { ...model, bosTokenId: 0, eosTokenIds: [1, 2] })).toBe(
      `error[TOK005] m/tokenizer.json the model's eos_token_id 2 is no token of the tokenizer ${hint}`,
    );
  });

  it('is used or refused, whatever its bytes', () => {
    const json = JSON.stringify(
      small({
        added_tokens: [{ id: 2, content: '<s>', special: true, lstrip: false, rstrip: false, normalized: false }],
        pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
        decoder: { type: 'ByteLevel' },
        model: { type: 'BPE', vocab: { a: 0, b: 1, ab: 3 }, merges: [['a', 'b']] },
      }),
    );
    const replaceAt = (text: string, at: number, by: string) => text.slice(0, at) + by + text.slice(at + 1);
    const edit = fc.tuple(
      fc.nat({ max: json.length - 1 }),
      fc.constantFrom('', '1', '"', 'x', '{', '[', ',', '9e9', 'null'),
    );
    let used = 0;
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
        const text = edits.reduce((changed, [at, by]) => replaceAt(changed, at, by), json);
        const failure = messageOf(() => {
          const model = { vocabularySize: 4, bosTokenId: -1, eosTokenIds: [] };
          const tokenizer = openTokenizer({ tokenizerJson: bytes(text), origin: 'm' }, model);
          tokenizer.decode(tokenizer.encode('ab <s>b'));
          used++;
        });
        if (failure !== 'no error') expect(failure).toMatch(/^error\[(TOK|JSON)0\d\d\] m\/tokenizer\.json[^\n]*$/);
      }),
      { numRuns: 2000 },
    );
    expect(used).toBeGreaterThan(50);
  });

  it('is refused by name when it has no token for a text', () => {
    const model = { type: 'WordPiece', unk_token: '?', continuing_subword_prefix: '##', vocab: { a: 0, b: 1 } };
    const tokenizer = openTokenizer(
      { tokenizerJson: bytes(small({ model, pre_tokenizer: { type: 'Whitespace' } })), origin: 'm' },
      { vocabularySize: 4, bosTokenId: -1, eosTokenIds: [] },
    );
    expect(tokenizer.encode('a b')).toEqual([0, 1]);
    expect(messageOf(() => tokenizer.encode('a c'))).toBe(
      'error[TOK006] m/tokenizer.json the tokenizer has no token for "?" in the prompt',
    );
  });
});

describe('chat templates', () => {
  const template =
    '{{ bos_token }}{% for m in messages %}{{ m.role | capitalize }}: {{ m.content }}{{ eos_token }}{% endfor %}{% if add_generation_prompt %}Assistant: {% endif %}';
  const special = { bos_token: { content: '<|endoftext|>' }, eos_token: '#' };
  const withConfig = (config: unknown, more: Partial<TokenizerFiles> = {}) =>
    open({ tokenizerConfigJson: bytes(config), ...more });
  const chat = [
    { role: 'user', content: 'Hi' },
    { role: 'assistant', content: 'Yo' },
  ];
  const rendered = '<|endoftext|>User: Hi#Assistant: Yo#Assistant: ';

  it('render a conversation, from wherever they are kept', () => {
    const named = [
      { name: 'tools', template: 'x' },
      { name: 'default', template },
    ];
    const plain = withConfig({ chat_template: template, ...special });
    expect(plain.applyChatTemplate(chat)).toBe(rendered);
    expect(plain.encode(rendered)[0]).toBe(0);
    expect(plain.encode(rendered)[1]).not.toBe(0);
    expect(withConfig({ chat_template: named, ...special }).applyChatTemplate(chat)).toBe(rendered);
    expect(withConfig(special, { chatTemplate: bytes(template) }).applyChatTemplate(chat)).toBe(rendered);
  });

  it('have no clock, but loops and constants', () => {
    const render = (text: string) => withConfig({ chat_template: text }).applyChatTemplate(chat);
    expect(render("{{ strftime_now('%d') if strftime_now is defined else 'no date' }}")).toBe('no date');
    expect(render('{% for i in range(2, 7, 2) %}{{ i }}{% endfor %}{{ range(3) | length }}{{ True }}')).toBe(
      '2463true',
    );
    expect(messageOf(() => render('{{ range(1000000000) | length }}'))).toBe(
      'error[TOK008] m/tokenizer_config.json the chat template failed: range() of more than 100000 numbers',
    );
  });

  it('that are missing or fail say so', () => {
    const message = (chatTemplate: string) =>
      messageOf(() => withConfig({ chat_template: chatTemplate }).applyChatTemplate(chat));
    expect(messageOf(() => open().applyChatTemplate(chat))).toBe(
      'error[TOK007] m/tokenizer_config.json the model has no chat template (give a plain prompt)',
    );
    expect(message("{{ raise_exception('only one turn') }}")).toBe(
      'error[TOK008] m/tokenizer_config.json the chat template failed: only one turn',
    );
    expect(message("{{ strftime_now('%d') }}")).toBe(
      'error[TOK008] m/tokenizer_config.json the chat template failed: Cannot call something that is not a function: got UndefinedValue',
    );
    expect(message('{% if')).toMatch(/^error\[TOK008\] m\/tokenizer_config\.json the chat template failed: /);
  });
});
