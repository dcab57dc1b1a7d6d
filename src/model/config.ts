/**
 * `config.json` of a Hugging Face model → the model's shape, with every field checked.
 *
 * Errors: MDL001–MDL009, each with the line and column of the field.
 */
import { LutraError, type Place } from '../base/diagnostics.ts';
import { parseJson } from '../base/json.ts';
import { decodeText, filePath, type ModelDirectory } from './directory.ts';
import type { ModelShape } from './graph.ts';

/** How the linear layers are stored. */
export type WeightFormat =
  /** Full precision; quantised to ternary on load by absmean. */
  | 'master'
  /** Four weights in a byte; the result is multiplied by `weight_scale`. */
  | 'packedMultiply'
  /** Four weights in a byte; the result is divided by `weight_scale`. */
  | 'packedDivide';

export interface ModelConfig {
  readonly architecture: string;
  readonly shape: ModelShape;
  readonly weights: WeightFormat;
  /** Whether models of this architecture have sub-norms, for models without a weight file. */
  readonly usualSubNorms: boolean;
}

/** What an architecture implies where its `config.json` is silent. */
interface Architecture {
  readonly ropeTheta: number;
  readonly subNorms: boolean;
  /** A general architecture is only taken when its quantization_config says that it is a BitNet. */
  readonly needsBitnetQuantization: boolean;
}

const architectures: ReadonlyMap<string, Architecture> = new Map([
  ['BitNetForCausalLM', { ropeTheta: 500_000, subNorms: true, needsBitnetQuantization: false }],
  ['BitnetForCausalLM', { ropeTheta: 10_000, subNorms: true, needsBitnetQuantization: false }],
  ['LlamaForCausalLM', { ropeTheta: 10_000, subNorms: false, needsBitnetQuantization: true }],
]);

const supported = `supported are ${[...architectures.keys()].join(', ')} (the last with quantization_config.quant_method "bitnet")`;

type Fields = Readonly<Record<string, unknown>>;

/** Typed access to the fields of one JSON object, with the place of each for messages. */
interface Reader {
  readonly fields: Fields;
  place(key: string): Place;
  /** Dotted path of the field, for messages. */
  label(key: string): string;
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A field's value; null and absence are the same. Only own properties count. */
function get(reader: Reader, key: string): unknown {
  return Object.hasOwn(reader.fields, key) ? (reader.fields[key] ?? undefined) : undefined;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function wrong(reader: Reader, key: string, expected: string, hint?: string): LutraError {
  const message = `${reader.label(key)}: ${show(get(reader, key))} is not ${expected}`;
  return new LutraError({ code: 'MDL003', message, place: reader.place(key), ...(hint === undefined ? {} : { hint }) });
}

function required<T>(reader: Reader, key: string, value: T | undefined): T {
  if (value !== undefined) return value;
  const message = `${reader.label(key)} is missing`;
  throw new LutraError({ code: 'MDL002', message, place: reader.place('') });
}

function integer(reader: Reader, key: string, minimum: number, maximum: number): number | undefined {
  const value = get(reader, key);
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum) return value;
  throw wrong(reader, key, `an integer from ${minimum} to ${maximum}`);
}

function positiveNumber(reader: Reader, key: string, maximum: number): number | undefined {
  const value = get(reader, key);
  if (value === undefined) return undefined;
  if (typeof value === 'number' && value > 0 && value <= maximum) return value;
  throw wrong(reader, key, `a number above 0, at most ${maximum}`);
}

function boolean(reader: Reader, key: string): boolean | undefined {
  const value = get(reader, key);
  if (value === undefined || typeof value === 'boolean') return value;
  throw wrong(reader, key, 'true or false');
}

function oneOf<T extends string>(reader: Reader, key: string, choices: readonly T[]): T | undefined {
  const value = get(reader, key);
  if (value === undefined) return undefined;
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  throw wrong(reader, key, `one of ${choices.map((choice) => JSON.stringify(choice)).join(', ')}`);
}

function object(reader: Reader, key: string): Reader | undefined {
  const value = get(reader, key);
  if (value === undefined) return undefined;
  if (!isObject(value)) throw wrong(reader, key, 'an object');
  return { fields: value, place: () => reader.place(key), label: (field) => `${key}.${field}` };
}

function refuse(reader: Reader, key: string, why: string): LutraError {
  return new LutraError({ code: 'MDL005', message: `${reader.label(key)}: ${why}`, place: reader.place(key) });
}

/** Features that would change the result and that no machine here has. */
function refuseUnsupported(reader: Reader): void {
  for (const key of ['attention_bias', 'mlp_bias', 'use_qk_norm']) {
    if (boolean(reader, key) === true) throw refuse(reader, key, 'true is not supported');
  }
  for (const key of ['partial_rotary_factor', 'pretraining_tp']) {
    if ((positiveNumber(reader, key, 1e6) ?? 1) !== 1) throw refuse(reader, key, 'only 1 is supported');
  }
  for (const [key, only] of [
    ['input_bits', 8],
    ['weight_bits', 1],
  ] as const) {
    if ((get(reader, key) ?? only) !== only) throw refuse(reader, key, `only ${only} is supported`);
  }
  if (get(reader, 'sliding_window') !== undefined) throw refuse(reader, 'sliding_window', 'only null is supported');
}

/** Rotary embedding: the classic field, or the object of newer files; no scaling of positions. */
function readRopeTheta(reader: Reader, usual: number): number {
  for (const key of ['rope_scaling', 'rope_parameters']) {
    const inner = object(reader, key);
    if (inner === undefined) continue;
    for (const type of ['type', 'rope_type']) {
      if ((get(inner, type) ?? 'default') !== 'default') {
        throw refuse(reader, key, `${show(get(inner, type))} is not supported, only "default" is`);
      }
    }
    const theta = positiveNumber(inner, 'rope_theta', 1e12);
    if (theta !== undefined) return theta;
  }
  return positiveNumber(reader, 'rope_theta', 1e12) ?? usual;
}

function readArchitecture(reader: Reader): string {
  const value = required(reader, 'architectures', get(reader, 'architectures'));
  if (!Array.isArray(value) || value.length !== 1 || typeof value[0] !== 'string') {
    throw wrong(reader, 'architectures', 'a list of one name');
  }
  const name = value[0];
  const quantMethod = isObject(reader.fields.quantization_config)
    ? reader.fields.quantization_config.quant_method
    : undefined;
  const architecture = architectures.get(name);
  if (architecture === undefined || (architecture.needsBitnetQuantization && quantMethod !== 'bitnet')) {
    const message = `architectures: ${show(name)} is not supported`;
    throw new LutraError({ code: 'MDL004', message, place: reader.place('architectures'), hint: supported });
  }
  return name;
}

/** Which arithmetic the linear layers' scale takes part in; see the Hugging Face classes BitLinear and AutoBitLinear. */
function readWeightFormat(reader: Reader): WeightFormat {
  const inner = object(reader, 'quantization_config');
  if (inner === undefined) return 'master';
  required(inner, 'quant_method', oneOf(inner, 'quant_method', ['bitnet']));
  if (boolean(inner, 'use_rms_norm') === true) throw refuse(inner, 'use_rms_norm', 'true is not supported');
  const linearClass = oneOf(inner, 'linear_class', ['bitlinear', 'autobitlinear']) ?? 'bitlinear';
  const mode = oneOf(inner, 'quantization_mode', ['offline', 'online']) ?? 'offline';
  if (mode === 'online') return 'master';
  return linearClass === 'autobitlinear' ? 'packedMultiply' : 'packedDivide';
}

function readEosTokens(reader: Reader, vocabularySize: number): readonly number[] {
  const value = get(reader, 'eos_token_id');
  if (value === undefined) return [];
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  for (const id of list) {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= vocabularySize) {
      throw wrong(reader, 'eos_token_id', `a token id, or a list of them, below vocab_size ${vocabularySize}`);
    }
  }
  return [...new Set(list as readonly number[])];
}

function readShape(reader: Reader, architecture: Architecture): ModelShape {
  const size = (key: string, maximum: number) => required(reader, key, integer(reader, key, 1, maximum));
  const hiddenSize = size('hidden_size', 65_536);
  const heads = size('num_attention_heads', 1024);
  const kvHeads = integer(reader, 'num_key_value_heads', 1, heads) ?? heads;
  if (heads % kvHeads !== 0) throw wrong(reader, 'num_key_value_heads', `a divisor of num_attention_heads ${heads}`);
  const givenDimension = integer(reader, 'head_dim', 2, 4096);
  if (givenDimension === undefined && hiddenSize % heads !== 0) {
    throw wrong(reader, 'hidden_size', `a multiple of num_attention_heads ${heads}`, 'or give head_dim');
  }
  const headDimension = givenDimension ?? hiddenSize / heads;
  if (headDimension % 2 !== 0) {
    const key = givenDimension === undefined ? 'hidden_size' : 'head_dim';
    throw refuse(reader, key, `the head dimension ${headDimension} is odd, rotary embedding needs pairs`);
  }
  const vocabularySize = size('vocab_size', 2 ** 24);
  return {
    hiddenSize,
    intermediateSize: size('intermediate_size', 2 ** 20),
    layerCount: size('num_hidden_layers', 1024),
    heads,
    kvHeads,
    headDimension,
    vocabularySize,
    maxPositions: size('max_position_embeddings', 2 ** 24),
    ropeTheta: readRopeTheta(reader, architecture.ropeTheta),
    normEpsilon: required(reader, 'rms_norm_eps', positiveNumber(reader, 'rms_norm_eps', 1)),
    gateFunction: required(reader, 'hidden_act', oneOf(reader, 'hidden_act', ['relu2', 'silu'] as const)),
    bosTokenId: integer(reader, 'bos_token_id', 0, vocabularySize - 1) ?? -1,
    eosTokenIds: readEosTokens(reader, vocabularySize),
    tiedEmbedding: boolean(reader, 'tie_word_embeddings') ?? false,
  };
}

/** Reads a `config.json`. `file` is its name in messages. Throws LutraError MDL001–MDL005, JSON0xx. */
export function parseConfig(bytes: Uint8Array, file: string): ModelConfig {
  const { value, placeOf } = parseJson(decodeText(bytes, file, 'MDL001'), file);
  if (!isObject(value)) {
    throw new LutraError({ code: 'MDL001', message: 'the configuration is not an object', place: placeOf([]) });
  }
  const reader: Reader = {
    fields: value,
    place: (key) => (key === '' ? { file } : placeOf([key])),
    label: (key) => key,
  };
  const name = readArchitecture(reader);
  const architecture = architectures.get(name) as Architecture;
  refuseUnsupported(reader);
  return {
    architecture: name,
    shape: readShape(reader, architecture),
    weights: readWeightFormat(reader),
    usualSubNorms: architecture.subNorms,
  };
}

/** The bytes of the directory's `config.json`. Throws LutraError MDL001 if there is none. */
export function readConfigFile(directory: ModelDirectory): { bytes: Uint8Array; file: string } {
  const bytes = directory.read('config.json');
  if (bytes !== undefined) return { bytes, file: filePath(directory, 'config.json') };
  throw new LutraError({
    code: 'MDL001',
    message: 'there is no config.json',
    place: { file: directory.name },
    hint: 'a model is a Hugging Face directory with config.json, model.safetensors and tokenizer.json',
  });
}

/** Reads and checks the `config.json` of a model directory. */
export function readConfig(directory: ModelDirectory): ModelConfig {
  const { bytes, file } = readConfigFile(directory);
  return parseConfig(bytes, file);
}
