import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createDirectory, createFile, discardUnfinished, fileSource, runDirectory } from '../../src/cli/files.ts';
import { parseImage } from '../../src/isa/index.ts';
import { messageOf } from '../hw/models.ts';
import { lutra, smallConfig, temporaryDirectory } from './capture.ts';

const directory = temporaryDirectory();
const at = (...parts: string[]) => join(directory, ...parts);
const kv260 = 'hw-models/kv260.json';
const tiny = 'hw-models/tiny.json';
const model = 'models/tern-stories-5m';
const help = '(lutra --help shows the verbs and options)';
const synthetic = ['--weights', 'synthetic:1', '--max-tokens', '2'];
type Json = Record<string, unknown>;
let image = '';
let small = '';

/** The command must say exactly this on stderr, nothing on stdout, and return this code. */
async function refused(argv: string[], code: number, ...lines: string[]): Promise<void> {
  const before = readdirSync(directory, { recursive: true });
  const outcome = await lutra(...argv);
  expect(outcome.stderr).toBe(lines.map((line) => `${line}\n`).join(''));
  expect(outcome.stdout).toBe('');
  expect(outcome.code).toBe(code);
  expect(readdirSync(directory, { recursive: true })).toEqual(before);
}

/** A copy of the KV260 hardware model with one text replaced, and the line and column of that text. */
function brokenHardware(name: string, from: string, to: string): { file: string; place: string } {
  const text = readFileSync(kv260, 'utf8');
  const index = text.indexOf(from);
  expect(index).toBeGreaterThan(0);
  const value = index + from.indexOf(':') + 2;
  const before = text.slice(0, value).split('\n');
  const file = at(name);
  writeFileSync(file, text.replace(from, to));
  return { file, place: `${file}:${before.length}:${(before.at(-1) as string).length + 1}` };
}

beforeAll(async () => {
  mkdirSync(at('small'));
  small = at('small', 'config.json');
  writeFileSync(small, JSON.stringify(smallConfig));
  image = at('small.img');
  const { code } = await lutra('compile', small, '--weights', 'synthetic:1', '-o', image);
  expect(code).toBe(0);
});

describe('wrong use', () => {
  const cases: [string, string[], string][] = [
    ['no verb', [], `no verb given ${help}`],
    ['an unknown verb', ['rnu'], `unknown command 'rnu' (did you mean run?)`],
    ['an unknown option', ['run', '--sede', '1'], `unknown option '--sede' (did you mean --seed?)`],
    ['an option without its value', ['run', '--hw'], `option '--hw <file>' argument missing ${help}`],
    ['no output', ['compile', 'x'], `required option '-o, --out <image>' not specified ${help}`],
    ['too many arguments', ['run', 'a', 'b'], `too many arguments for 'run'. Expected 1 argument but got 2 ${help}`],
    ['an unknown table', ['bench', 'paper'], `unknown command 'paper' (did you mean papers?)`],
    [
      'a context that is no whole number',
      ['bench', 'papers', '--context', '12.5'],
      `option '--context <positions>': '12.5' does not fit; it takes a whole number of at least 1 ${help}`,
    ],
    [
      'a prompt without tokens',
      ['bench', 'papers', '--prompt', '0'],
      `option '--prompt <tokens>': '0' does not fit; it takes a whole number of at least 1 ${help}`,
    ],
    ['a missing argument', ['disasm'], `missing required argument 'image' ${help}`],
    [
      'a seed that is no number',
      ['run', '--seed', 'x'],
      `option '--seed <seed>': 'x' does not fit; it takes a whole number from 0 to 4294967295 ${help}`,
    ],
    [
      'no tokens at all',
      ['run', '--max-tokens', '0'],
      `option '--max-tokens <count>': '0' does not fit; it takes a whole number of at least 1 ${help}`,
    ],
    [
      'a negative temperature',
      ['run', '--temperature=-1'],
      `option '--temperature <t>': '-1' does not fit; it takes a number from 0 (greedy) to 100 ${help}`,
    ],
    [
      'an order of attention that is none',
      ['run', '--attention-order', 'sideways'],
      `option '--attention-order <order>': 'sideways' does not fit; Allowed choices are reversed, naive ${help}`,
    ],
    [
      'an unknown shell',
      ['completion', 'ksh'],
      `command-argument value 'ksh' is invalid for argument 'shell'. Allowed choices are bash, zsh, fish ${help}`,
    ],
  ];
  it.each(cases)('%s', async (_name, argv, message) => {
    await refused(argv, 2, `error[CLI001] ${message}`);
  });

  it('two prompts', async () => {
    await refused(
      ['run', image, '--prompt', 'x', '--prompt-tokens', '3'],
      2,
      'error[CLI003] --prompt and --prompt-tokens exclude each other',
    );
  });

  it.each(['random', 'synthetic:', 'synthetic:5000000000'])('--weights %s', async (source) => {
    await refused(
      ['run', small, '--weights', source],
      2,
      `error[CLI002] --weights ${source}: not a source of weights (write synthetic:SEED with a seed from 0 to 4294967295, for example synthetic:1)`,
    );
  });

  it('a trace without a place', async () => {
    await refused(
      ['run', image, '--trace-jsonl'],
      2,
      'error[CLI007] --trace-jsonl needs a file name where there is no run directory (add a file name, or --out DIRECTORY)',
    );
  });

  it('--set without a value, and of an unknown field', async () => {
    await refused(
      ['run', '--set', 'nonsense'],
      2,
      'error[HW010] --set nonsense expected path=value (for example matmul.columns=8)',
    );
    const { code, stderr } = await lutra('check', kv260, '--set', 'matmul.colums=8');
    expect(stderr).toMatch(
      /^error\[HW011\] --set matmul.colums=8 matmul.colums: there is no such field \(did you mean columns\?.*\)\n$/,
    );
    expect(code).toBe(2);
  });
});

describe('hardware models', () => {
  it('a file that is not there', async () => {
    const message = `error[IO001] ${at('no.json')} cannot be read: no such file or directory`;
    await refused(['run', image, '--hw', at('no.json')], 3, message);
    await refused(['check', at('no.json')], 3, message);
  });

  it('a field with a wrong value, in run and in check', async () => {
    const { file, place } = brokenHardware('type.json', '"clockHz": 250000000', '"clockHz": "fast"');
    const message = `error[HW001] ${place} clockHz: "fast" has the wrong type (expected a whole number from 1 to 2000000000)`;
    await refused(['run', image, '--hw', file], 3, message);
    await refused(['check', file], 1, message);
  });

  it('a broken rule', async () => {
    await refused(
      ['check', kv260, '--set', 'memory.rowBytes=3000'],
      1,
      'error[HW012] --set memory.rowBytes=3000 memory.rowBytes: 3000 is not a power of two (try 2048 or 4096)',
      ...(await lutra('check', kv260, '--set', 'memory.rowBytes=3000')).stderr.trimEnd().split('\n').slice(1),
    );
  });

  it('very many faults', async () => {
    const fields = Array.from({ length: 50_000 }, (_, i) => `"f${i}":1`).join(',');
    writeFileSync(at('many.json'), readFileSync(kv260, 'utf8').replace('{', `{${fields},`));
    const { code, stderr } = await lutra('check', at('many.json'));
    const lines = stderr.trimEnd().split('\n');
    expect(lines[49]).toMatch(/^error\[HW003\] \S+many.json:1:\d+ f49: there is no such field/);
    expect(lines.slice(50)).toEqual([`error[HW007] ${at('many.json')} there are 49950 more faults of this kind`]);
    expect(code).toBe(1);
  });

  it('a number that fills a book', async () => {
    writeFileSync(at('book.json'), '1'.repeat(1_000_000));
    const { code, stderr } = await lutra('check', at('book.json'));
    expect(stderr).toBe(`${`error[JSON004] ${at('book.json')}:1:1 ${'1'.repeat(3000)}`.slice(0, 2000)}…\n`);
    expect(code).toBe(1);
  });

  it('what is not JSON', async () => {
    writeFileSync(at('comma.json'), '{"a":1,}');
    await refused(
      ['check', at('comma.json')],
      1,
      `error[JSON001] ${at('comma.json')}:1:8 a comma stands before the closing bracket (JSON allows no trailing comma)`,
    );
  });
});

describe('published machines', () => {
  it('one that there is not', async () => {
    const { stderr, code } = await lutra('bench', 'papers', '--machine', 'flightllm');
    expect(stderr).toMatch(
      /^error\[PAP001\] there is no published machine "flightllm" \(one of .*flightllm-vhk158.*\)\n$/,
    );
    expect(code).toBe(2);
  });

  it('a context and a prompt beyond the programs', async () => {
    for (const option of ['--context', '--prompt']) {
      await refused(
        ['bench', 'papers', '--machine', 'flightllm-vhk158', option, '2049'],
        3,
        `error[PAP002] flightllm-vhk158: ${option} 2049 is more than the 2048 positions that its programs are compiled for (at most 2048)`,
      );
    }
  });

  it('a description with overrides, or with a wrong field', async () => {
    const file = 'hw-models/papers/flightllm-vhk158.json';
    await refused(
      ['check', file, '--set', 'clockHz=1'],
      2,
      `error[CLI013] ${file} --set clockHz=1: a token machine takes no overrides (edit a copy of the file)`,
    );
    const copy = at('token.json');
    writeFileSync(copy, readFileSync(file, 'utf8').replace('"lanes": 16', '"lanes": 0'));
    const { stderr, code } = await lutra('check', copy);
    expect(stderr).toMatch(/^error\[PAP003\] .*token\.json:\d+:\d+ misc\.lanes: /);
    expect(code).toBe(1);
  });
});

describe('assembly text', () => {
  const program = (name: string, text: string) => {
    writeFileSync(at(name), text);
    return at(name);
  };

  it('runs on the hardware model that it names, unless --hw names one', async () => {
    const file = program('named.lasm', '; one instruction\n; hw: tiny\nhalt\n');
    const machine = async (...argv: string[]) => JSON.parse((await lutra(...argv, '--json')).stdout);
    expect((await machine('run', file)).machine.name).toBe('tiny');
    expect((await machine('run', file, '--hw', 'hw-models/odd.json')).machine.name).toBe('odd');
    expect((await machine('asm', file, '-o', at('named.img'))).hardware.name).toBe('tiny');
    expect((await machine('run', program('unnamed.lasm', 'halt\n'))).machine.name).toBe('kv260');
  });

  it.each(['../kv260', 'huge', ''])('for an unknown hardware model, %j', async (name) => {
    const file = program('unknown.lasm', `; text\n; hw: ${name}\nhalt\n`);
    await refused(
      ['run', file],
      3,
      `error[CLI010] ${file}:2 "${name}" is not one of lutra's hardware models (there are kv260, mid, odd, tiny; --hw FILE takes another)`,
    );
  });
});

describe('models and images', () => {
  it('nothing there', async () => {
    await refused(
      ['run', ''],
      3,
      "error[IO001] '' cannot be read: no such file or directory (give a model directory, a config.json, a program image or a .lasm file)",
    );
  });

  it('a name with a line break and an escape sequence', async () => {
    await refused(
      ['check', 'a\n\u001b[31mb'],
      3,
      'error[IO001] a\\u000a\\u001b[31mb cannot be read: no such file or directory',
    );
    await refused(['run', '--\u001b[31m'], 2, `error[CLI001] unknown option '--\\u001b[31m' ${help}`);
  });

  it('no file of that name', async () => {
    await refused(
      ['run', at('nothing')],
      3,
      `error[IO001] ${at('nothing')} cannot be read: no such file or directory (give a model directory, a config.json, a program image or a .lasm file)`,
    );
  });

  it('a JSON file that is no model', async () => {
    await refused(
      ['run', `${model}/tokenizer.json`],
      3,
      `error[CLI006] ${model}/tokenizer.json is no model (give a model directory, or its config.json)`,
    );
  });

  it('an unknown architecture', async () => {
    mkdirSync(at('gpt'), { recursive: true });
    writeFileSync(at('gpt', 'config.json'), '{"architectures":["GPT2LMHeadModel"]}');
    await refused(
      ['run', at('gpt')],
      3,
      `error[MDL004] ${at('gpt')}/config.json:1:18 architectures: "GPT2LMHeadModel" is not supported (supported are BitNetForCausalLM, BitnetForCausalLM, LlamaForCausalLM (the last with quantization_config.quant_method "bitnet"))`,
    );
  });

  it('a model without weights', async () => {
    await refused(
      ['run', small, '--prompt-tokens', '2'],
      3,
      `error[MDL010] ${at('small')} there is neither model.safetensors nor model.safetensors.index.json (use --weights synthetic:SEED to run without weights)`,
    );
  });

  it('a model that does not fit', async () => {
    const wide = at('wide', 'config.json');
    mkdirSync(at('wide'), { recursive: true });
    writeFileSync(wide, JSON.stringify({ ...smallConfig, hidden_size: 1536, head_dim: 96, num_attention_heads: 16 }));
    const { code, stderr } = await lutra('run', wide, '--timing-only', '--hw', tiny, '--prompt-tokens', '2');
    expect(stderr).toMatch(
      /^error\[CMP010\] \S*wide operation \S+: its smallest tile .* \(raise weightBuffer.words to at least \d+\)\n$/,
    );
    expect(code).toBe(3);
  });

  it('more stop tokens than the machine looks for', async () => {
    mkdirSync(at('stops'), { recursive: true });
    writeFileSync(at('stops', 'config.json'), JSON.stringify({ ...smallConfig, eos_token_id: [1, 2, 3, 4, 5] }));
    await refused(
      ['run', at('stops'), ...synthetic, '--prompt-tokens', '2'],
      3,
      'error[RUN004] there are 5 stop tokens, and the machine looks for 4 at most (shorten eos_token_id in config.json and compile again, or run with --ignore-stop)',
    );
    expect((await lutra('run', at('stops'), ...synthetic, '--prompt-tokens', '2', '--ignore-stop')).code).toBe(0);
  });

  it('a device, which may never end', async () => {
    for (const verb of ['run', 'check', 'disasm']) {
      await refused([verb, '/dev/zero'], 3, 'error[IO001] /dev/zero cannot be read: it is a device');
    }
  });

  it('a directory or a pipe in place of the weights', async () => {
    mkdirSync(at('odd', 'model.safetensors'), { recursive: true });
    writeFileSync(at('odd', 'config.json'), JSON.stringify(smallConfig));
    const file = at('odd', 'model.safetensors');
    await refused(['run', at('odd')], 3, `error[IO001] ${file} cannot be read: it is a directory`);
    rmdirSync(file);
    execFileSync('mkfifo', [file]);
    await refused(['run', at('odd')], 3, `error[IO001] ${file} cannot be read: it is not a regular file`);
  });

  it('an image with one bit of a weight changed', async () => {
    const bytes = readFileSync(image);
    const last = bytes.length - 100;
    bytes[last] = (bytes[last] as number) ^ 1;
    writeFileSync(at('bit.img'), bytes);
    await refused(
      ['run', at('bit.img'), '--prompt-tokens', '2'],
      3,
      `error[IMG010] ${at('bit.img')} bytes 0 to 1024 of segment/head.scales do not have the digest that metadata lutra.pieces states (the file is damaged: copy or compile it again)`,
    );
  });

  it('an image with one bit of its header changed', async () => {
    const bytes = readFileSync(image);
    const digit = bytes.indexOf('"lutra.digest":"') + 16;
    bytes[digit] = bytes[digit] === 0x61 ? 0x62 : 0x61;
    writeFileSync(at('header.img'), bytes);
    await refused(
      ['disasm', at('header.img')],
      3,
      `error[IMG010] ${at('header.img')} the header does not have the digest that metadata lutra.digest states (the file is damaged: copy or compile it again)`,
    );
  });

  it('an image that becomes shorter while it is open', () => {
    const file = at('shrinking.img');
    const { size } = statSync(image);
    copyFileSync(image, file);
    const segment = parseImage(fileSource(file)).segments.find(({ name }) => name === 'head.scales');
    truncateSync(file, size - 40);
    const text = `error[IO002] ${file} ends at byte ${size - 40}, 40 bytes early`;
    expect(messageOf(() => segment?.data?.read(0, 1))).toBe(text);
    // Nothing of it was kept.
    expect(messageOf(() => segment?.data?.read(0, 1))).toBe(text);
    copyFileSync(image, file);
    expect(segment?.data?.read(0, 1)).toHaveLength(1);
  });

  it('a truncated image', async () => {
    writeFileSync(at('short.img'), readFileSync(image).subarray(0, 7000));
    const { code, stderr } = await lutra('run', at('short.img'), '--prompt-tokens', '2');
    expect(stderr).toMatch(
      /^error\[ST010\] \S+short.img tensor "\S+" ends at data byte \d+, the file has \d+ \(is the download complete\?\)\n$/,
    );
    expect(code).toBe(3);
  });

  it('a hostile header', async () => {
    writeFileSync(at('hostile.img'), Buffer.from([255, 255, 255, 255, 255, 255, 255, 15, 123, 125]));
    await refused(
      ['disasm', at('hostile.img')],
      3,
      `error[ST003] ${at('hostile.img')} the header length is 1152921504606846975 bytes, the limit is 100000000 (is this a safetensors file?)`,
    );
  });

  it('a safetensors file that is no image', async () => {
    await refused(
      ['run', `${model}/model.safetensors`],
      3,
      `error[IMG001] ${model}/model.safetensors this is no program image (lutra compile makes one from a model)`,
    );
  });

  it('an image for another machine', async () => {
    const { code, stderr } = await lutra('run', image, '--hw', tiny, '--prompt-tokens', '2');
    expect(stderr).toMatch(
      /^error\[IMG009\] \S+small.img compiled for kv260 \(digest [0-9a-f]{12}…\), not tiny \([0-9a-f]{12}…\) \(compile again for this machine, or run on kv260\)\n$/,
    );
    expect(code).toBe(3);
  });

  it('an image without weights, asked for text', async () => {
    const timing = at('timing.img');
    expect((await lutra('compile', small, '--timing-only', '-o', timing)).code).toBe(0);
    await refused(
      ['run', timing, '--prompt-tokens', '2'],
      3,
      `error[CLI008] ${timing} the image was compiled with --timing-only and holds no weights (run it with --timing-only, or compile it again)`,
    );
    expect((await lutra('run', timing, '--timing-only', '--prompt-tokens', '2', '--max-tokens', '2')).code).toBe(0);
  });

  it('a tokenizer of another model', async () => {
    mkdirSync(at('mixed'), { recursive: true });
    writeFileSync(at('mixed', 'config.json'), JSON.stringify(smallConfig));
    copyFileSync(`${model}/tokenizer.json`, at('mixed', 'tokenizer.json'));
    await refused(
      ['run', at('mixed'), ...synthetic],
      3,
      `error[TOK004] ${at('mixed')}/tokenizer.json the tokenizer has token ids up to 2047, the model's vocabulary ends at 255 (tokenizer.json and config.json belong to different models)`,
    );
  });

  it.each([
    [
      'merges',
      (json: Json) => Object.assign(json.model as Json, { merges: [[1, 2]] }),
      'merges is not a list of pairs',
    ],
    [
      'an added token',
      (json: Json) => Object.assign(json, { added_tokens: [{ id: 5 }] }),
      'an added token has no content',
    ],
  ])('a tokenizer with wrong %s', async (_name, change, message) => {
    mkdirSync(at('torn'), { recursive: true });
    writeFileSync(at('torn', 'config.json'), JSON.stringify(smallConfig));
    const json = JSON.parse(readFileSync(`${model}/tokenizer.json`, 'utf8')) as Json;
    change(json);
    writeFileSync(at('torn', 'tokenizer.json'), JSON.stringify(json));
    await refused(
      ['run', at('torn'), ...synthetic],
      3,
      `error[TOK003] ${at('torn')}/tokenizer.json the tokenizer is not understood: ${message}`,
    );
  });

  it('assembly text with a fault', async () => {
    writeFileSync(at('bad.lasm'), 'halt\nhalf\n');
    const { code, stderr } = await lutra('asm', at('bad.lasm'), '-o', at('bad.img'));
    expect(stderr).toMatch(
      /^error\[ASM002\] \S+bad.lasm:2:1 there is no instruction half \(did you mean halt\?.*\)\n$/,
    );
    expect(code).toBe(3);
  });
});

describe('prompts', () => {
  it('an empty one', async () => {
    await refused(
      ['run', image, '--prompt', ''],
      3,
      'error[CLI004] the prompt is empty (give --prompt a text to continue)',
    );
  });

  it('one that no memory would hold', async () => {
    await refused(
      ['run', image, '--prompt-tokens', '9007199254740991'],
      3,
      'error[RUN002] the prompt has 9007199254740991 tokens, and the program holds 64 positions (shorten the prompt, or compile with more positions if the model allows it)',
    );
  });

  it('one that is too long', async () => {
    await refused(
      ['run', image, '--prompt-tokens', '65', '--out', at('long')],
      3,
      'error[RUN002] the prompt has 65 tokens, and the program holds 64 positions (shorten the prompt, or compile with more positions if the model allows it)',
    );
  });

  it('text without a tokenizer', async () => {
    await refused(
      ['run', image, '--prompt', 'Hello'],
      3,
      'error[CLI005] there is no tokenizer.json with this program, so a text prompt cannot be read (use --prompt-tokens N)',
    );
  });
});

describe('output', () => {
  const run = () => ['run', image, '--prompt-tokens', '2', '--max-tokens', '1'];

  it('a file that exists', async () => {
    await refused(
      ['compile', small, '--weights', 'synthetic:1', '-o', image],
      3,
      `error[IO003] ${image} exists already; nothing was written (choose another name, or --force to replace it)`,
    );
    await refused(
      ['compile', small, '--weights', 'synthetic:1', '-o', directory],
      3,
      `error[IO003] ${directory} exists already and is a directory (give the name of a file)`,
    );
    await refused(
      [...run(), '--trace-jsonl', image],
      3,
      `error[IO003] ${image} exists already; nothing was written (choose another name, or --force to replace it)`,
    );
  });

  it('a directory that is in use, even with --force', async () => {
    await refused(
      [...run(), '--out', directory, '--force'],
      3,
      `error[IO005] ${directory} exists already and is not empty; nothing was written (choose another directory)`,
    );
    await refused(
      [...run(), '--out', image],
      3,
      `error[IO005] ${image} exists already and is a file (choose another directory)`,
    );
  });

  it('an earlier run, unless --force is given', async () => {
    const out = at('runs', 'first');
    expect((await lutra(...run(), '--out', out)).code).toBe(0);
    await refused(
      [...run(), '--out', out],
      3,
      `error[IO005] ${out} exists already and is not empty; nothing was written (choose another directory, or --force to replace this run)`,
    );
    expect((await lutra(...run(), '--out', out, '--force')).code).toBe(0);
  });

  it('no name at all, which would be the working directory', async () => {
    const message = 'error[IO007] the output has an empty name';
    await refused([...run(), '--out', '', '--force'], 2, message);
    await refused([...run(), '--trace-jsonl', ''], 2, message);
    await refused(['compile', small, '--timing-only', '-o', ''], 2, message);
  });

  it('what is no regular file, even with --force', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    symlinkSync('pipe', at('pipe-link'));
    symlinkSync('nowhere', at('dangling'));
    await refused(
      [...run(), '--trace-jsonl', at('pipe'), '--force'],
      3,
      `error[IO003] ${at('pipe')} exists already and is not a regular file (give the name of a file)`,
    );
    await refused(
      [...run(), '--trace-jsonl', at('pipe-link'), '--force'],
      3,
      `error[IO003] ${at('pipe-link')} exists already and is a link to what is not a regular file (give the name of a file)`,
    );
    await refused(
      [...run(), '--trace-jsonl', at('dangling')],
      3,
      `error[IO003] ${at('dangling')} exists already; nothing was written (choose another name, or --force to replace it)`,
    );
    await refused(
      [...run(), '--out', at('dangling')],
      3,
      `error[IO005] ${at('dangling')} exists already and is a file (choose another directory)`,
    );
  });

  it('a run directory in which somebody put a file of their own, even with --force', async () => {
    const out = at('shared');
    expect((await lutra(...run(), '--out', out)).code).toBe(0);
    writeFileSync(join(out, 'thesis.txt'), 'years of work');
    await refused(
      [...run(), '--out', out, '--force'],
      3,
      `error[IO005] ${out} exists already and is not empty; nothing was written (choose another directory)`,
    );
  });

  it('what came while the run was going on', async () => {
    const out = at('late');
    const growing = createDirectory(out, true, runDirectory);
    mkdirSync(out);
    writeFileSync(join(out, 'thesis.txt'), 'years of work');
    expect(() => growing.finish()).toThrow(
      `error[IO005] ${out} exists already and is not empty; nothing was written (choose another directory)`,
    );
    discardUnfinished();
    const file = createFile(at('late.jsonl'), false);
    writeFileSync(at('late.jsonl'), 'years of work');
    expect(() => file.finish()).toThrow(
      `error[IO003] ${at('late.jsonl')} exists already; nothing was written (choose another name, or --force to replace it)`,
    );
    discardUnfinished();
    expect(readFileSync(at('late.jsonl'), 'utf8')).toBe('years of work');
    expect(readdirSync(out)).toEqual(['thesis.txt']);
    expect(readdirSync(directory).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('a trace inside the run directory', async () => {
    await refused(
      [...run(), '--out', at('o'), '--trace-jsonl', at('o', 't.jsonl')],
      2,
      `error[CLI009] ${at('o', 't.jsonl')} lies in the run directory, which is written as a whole (--trace-jsonl without a name puts trace.jsonl there)`,
    );
  });

  it('a name that is too long, and one that is just short enough', async () => {
    const long = at('n'.repeat(256));
    await refused([...run(), '--trace-jsonl', long], 3, `error[IO004] ${long} cannot be written: the name is too long`);
    const short = at('n'.repeat(255));
    expect((await lutra(...run(), '--trace-jsonl', short)).code).toBe(0);
    rmSync(short);
  });

  it('paths that cannot be written', async () => {
    await refused(
      [...run(), '--out', join(image, 'x')],
      3,
      `error[IO004] ${join(image, 'x')} cannot be written: a part of the path is not a directory`,
    );
    await refused(
      ['compile', small, '--weights', 'synthetic:1', '-o', at('none', 'x.img')],
      3,
      `error[IO004] ${at('none', 'x.img')} cannot be written: no such file or directory`,
    );
  });
});

describe('runs that do not end', () => {
  it('the cycle limit: the answer is no, and what was done is kept', async () => {
    const out = at('limited');
    const { code, stdout, stderr } = await lutra(
      'run',
      image,
      '--prompt-tokens',
      '2',
      '--max-cycles',
      '2000',
      '--out',
      out,
    );
    expect(stderr).toBe(
      `\nrun directory: ${out} (lutra report ${out} says what bounds the run)\nerror[MCH002] the program did not halt within 2000 cycles (raise --max-cycles, or look for a loop without end)\n`,
    );
    expect(stdout).toContain('stopped before its end');
    expect(code).toBe(1);
    expect(JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')).finished).toBe(false);
  });

  it('a deadlock: says who waits for whom', async () => {
    writeFileSync(
      at('stuck.lasm'),
      'matmul.sync @wait(vector) @post(vector)\nvector.sync @wait(matmul) @post(matmul)\nhalt\n',
    );
    const { code, stderr } = await lutra('run', at('stuck.lasm'));
    expect(stderr).toMatch(
      /^error\[MCH001\] deadlock in cycle \d+: .*matmul.*vector.* \(every wait needs a post that comes before it\)\n$/,
    );
    expect(code).toBe(1);
  });
});
