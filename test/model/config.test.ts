import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConfig, readConfig } from '../../src/model/index.ts';
import { directoryOf, directoryOnDisk, messageOf, smallConfig, ternStories } from './files.ts';

/** One field per line: the field number i stands on line i + 2. */
function text(changes: Record<string, unknown> = {}): string {
  return JSON.stringify({ ...smallConfig, ...changes }, null, 1)
    .replace(/\n {2,}/g, ' ')
    .replace(/\n \]/g, ']');
}
const parse = (changes: Record<string, unknown> = {}) =>
  parseConfig(new TextEncoder().encode(text(changes)), 'm/config.json');
const message = (changes: Record<string, unknown>) => messageOf(() => parse(changes));

describe('config.json', () => {
  it('of the small model gives its shape', () => {
    expect(readConfig(directoryOnDisk(ternStories))).toEqual({
      architecture: 'BitNetForCausalLM',
      weights: 'packedMultiply',
      usualSubNorms: true,
      shape: {
        hiddenSize: 256,
        intermediateSize: 768,
        layerCount: 6,
        heads: 8,
        kvHeads: 4,
        headDimension: 32,
        vocabularySize: 2048,
        maxPositions: 256,
        ropeTheta: 10000,
        normEpsilon: 1e-5,
        gateFunction: 'relu2',
        bosTokenId: 0,
        eosTokenIds: [0],
        tiedEmbedding: true,
      },
    });
  });

  it('fills in what files may leave out', () => {
    const { shape } = parse({
      num_key_value_heads: undefined,
      rope_theta: undefined,
      tie_word_embeddings: undefined,
      bos_token_id: null,
      eos_token_id: undefined,
    });
    expect(shape).toMatchObject({
      kvHeads: 2,
      headDimension: 4,
      ropeTheta: 500_000,
      tiedEmbedding: false,
      bosTokenId: -1,
      eosTokenIds: [],
    });
    expect(parse({ architectures: ['BitnetForCausalLM'], rope_theta: undefined }).shape.ropeTheta).toBe(10_000);
  });

  it('takes several stop tokens, a head dimension of its own and rope_parameters', () => {
    const { shape } = parse({
      eos_token_id: [2, 3, 2],
      head_dim: 6,
      rope_theta: null,
      rope_parameters: { rope_type: 'default', rope_theta: 5e5 },
    });
    expect(shape).toMatchObject({ eosTokenIds: [2, 3], headDimension: 6, ropeTheta: 500_000 });
  });

  it('knows how each kind of file stores its linear layers', () => {
    const quantization = (more: object) => parse({ quantization_config: { quant_method: 'bitnet', ...more } }).weights;
    expect(parse().weights).toBe('master');
    expect(quantization({ linear_class: 'autobitlinear', quantization_mode: 'offline' })).toBe('packedMultiply');
    expect(quantization({ linear_class: 'bitlinear' })).toBe('packedDivide');
    expect(quantization({})).toBe('packedDivide');
    expect(quantization({ linear_class: 'autobitlinear', quantization_mode: 'online' })).toBe('master');
    expect(
      parse({ architectures: ['LlamaForCausalLM'], quantization_config: { quant_method: 'bitnet' } }).usualSubNorms,
    ).toBe(false);
  });

  const where = (key: string, changes: Record<string, unknown> = {}) => {
    const lines = text(changes).split('\n');
    const line = lines.findIndex((content) => content.startsWith(` "${key}"`));
    return `m/config.json:${line + 1}:${(lines[line] as string).indexOf(': ') + 3}`;
  };
  const supported =
    'supported are BitNetForCausalLM, BitnetForCausalLM, LlamaForCausalLM (the last with quantization_config.quant_method "bitnet")';
  const cases: [changes: Record<string, unknown>, key: string, message: string][] = [
    [
      { architectures: ['MambaForCausalLM'] },
      'architectures',
      `MDL004] @ architectures: "MambaForCausalLM" is not supported (${supported})`,
    ],
    [
      { architectures: ['LlamaForCausalLM'] },
      'architectures',
      `MDL004] @ architectures: "LlamaForCausalLM" is not supported (${supported})`,
    ],
    [
      { architectures: ['__proto__'] },
      'architectures',
      `MDL004] @ architectures: "__proto__" is not supported (${supported})`,
    ],
    [{ architectures: ['A', 'B'] }, 'architectures', 'MDL003] @ architectures: ["A","B"] is not a list of one name'],
    [{ architectures: undefined }, '', 'MDL002] m/config.json architectures is missing'],
    [{ hidden_size: undefined }, '', 'MDL002] m/config.json hidden_size is missing'],
    [{ hidden_act: null }, '', 'MDL002] m/config.json hidden_act is missing'],
    [{ rms_norm_eps: undefined }, '', 'MDL002] m/config.json rms_norm_eps is missing'],
    [{ hidden_size: -8 }, 'hidden_size', 'MDL003] @ hidden_size: -8 is not an integer from 1 to 65536'],
    [{ hidden_size: 8.5 }, 'hidden_size', 'MDL003] @ hidden_size: 8.5 is not an integer from 1 to 65536'],
    [{ hidden_size: '8' }, 'hidden_size', 'MDL003] @ hidden_size: "8" is not an integer from 1 to 65536'],
    [
      { hidden_size: 9 },
      'hidden_size',
      'MDL003] @ hidden_size: 9 is not a multiple of num_attention_heads 2 (or give head_dim)',
    ],
    [
      { hidden_size: 6 },
      'hidden_size',
      'MDL005] @ hidden_size: the head dimension 3 is odd, rotary embedding needs pairs',
    ],
    [{ head_dim: 5 }, 'head_dim', 'MDL005] @ head_dim: the head dimension 5 is odd, rotary embedding needs pairs'],
    [{ num_hidden_layers: 0 }, 'num_hidden_layers', 'MDL003] @ num_hidden_layers: 0 is not an integer from 1 to 1024'],
    [
      { num_attention_heads: 4, num_key_value_heads: 3 },
      'num_key_value_heads',
      'MDL003] @ num_key_value_heads: 3 is not a divisor of num_attention_heads 4',
    ],
    [
      { num_key_value_heads: 4 },
      'num_key_value_heads',
      'MDL003] @ num_key_value_heads: 4 is not an integer from 1 to 2',
    ],
    [{ hidden_act: 'gelu' }, 'hidden_act', 'MDL003] @ hidden_act: "gelu" is not one of "relu2", "silu"'],
    [{ rms_norm_eps: 0 }, 'rms_norm_eps', 'MDL003] @ rms_norm_eps: 0 is not a number above 0, at most 1'],
    [{ rope_theta: -1 }, 'rope_theta', 'MDL003] @ rope_theta: -1 is not a number above 0, at most 1000000000000'],
    [
      { tie_word_embeddings: 'yes' },
      'tie_word_embeddings',
      'MDL003] @ tie_word_embeddings: "yes" is not true or false',
    ],
    [{ vocab_size: 1e9 }, 'vocab_size', 'MDL003] @ vocab_size: 1000000000 is not an integer from 1 to 16777216'],
    [{ bos_token_id: 10 }, 'bos_token_id', 'MDL003] @ bos_token_id: 10 is not an integer from 0 to 9'],
    [
      { eos_token_id: [2, 10] },
      'eos_token_id',
      'MDL003] @ eos_token_id: [2,10] is not a token id, or a list of them, below vocab_size 10',
    ],
    [{ attention_bias: true }, 'attention_bias', 'MDL005] @ attention_bias: true is not supported'],
    [{ input_bits: 4 }, 'input_bits', 'MDL005] @ input_bits: only 8 is supported'],
    [{ partial_rotary_factor: 0.5 }, 'partial_rotary_factor', 'MDL005] @ partial_rotary_factor: only 1 is supported'],
    [{ sliding_window: 128 }, 'sliding_window', 'MDL005] @ sliding_window: only null is supported'],
    [
      { rope_scaling: { type: 'linear', factor: 2 } },
      'rope_scaling',
      'MDL005] @ rope_scaling: "linear" is not supported, only "default" is',
    ],
    [{ rope_scaling: 2 }, 'rope_scaling', 'MDL003] @ rope_scaling: 2 is not an object'],
    [{ quantization_config: {} }, 'quantization_config', 'MDL002] @ quantization_config.quant_method is missing'],
    [
      { quantization_config: { quant_method: 'gptq' } },
      'quantization_config',
      'MDL003] @ quantization_config.quant_method: "gptq" is not one of "bitnet"',
    ],
    [
      { quantization_config: { quant_method: 'bitnet', use_rms_norm: true } },
      'quantization_config',
      'MDL005] @ quantization_config.use_rms_norm: true is not supported',
    ],
    [
      { quantization_config: { quant_method: 'bitnet', linear_class: 'x' } },
      'quantization_config',
      'MDL003] @ quantization_config.linear_class: "x" is not one of "bitlinear", "autobitlinear"',
    ],
  ];
  for (const [changes, key, expected] of cases) {
    it(`refuses ${JSON.stringify(changes)}`, () => {
      expect(message(changes)).toBe(`error[${expected.replace('@', () => where(key, changes))}`);
    });
  }

  it('with any values is read or refused in one line', () => {
    const keys = [
      ...Object.keys(smallConfig),
      'head_dim',
      'rope_scaling',
      'rope_parameters',
      'quantization_config',
      'attention_bias',
      '__proto__',
    ];
    const value = fc.oneof(
      fc.jsonValue(),
      fc.integer({ min: -2, max: 12 }),
      fc.constantFrom('silu', 'relu2', true, null),
    );
    let read = 0;
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...keys), value), { minLength: 1, maxLength: 3 }), (changes) => {
        const failure = message(Object.fromEntries(changes));
        if (failure === 'no error') read++;
        else expect(failure).toMatch(/^error\[(MDL|JSON)0\d\d\] m\/config\.json[^\n]*$/);
      }),
      { numRuns: 2000 },
    );
    expect(read).toBeGreaterThan(50);
  });

  it('refuses what is no JSON object, and directories without it', () => {
    const of = (bytes: Uint8Array | string) => messageOf(() => readConfig(directoryOf('m', { 'config.json': bytes })));
    expect(of('[]')).toBe('error[MDL001] m/config.json:1:1 the configuration is not an object');
    expect(of(new Uint8Array([0xff]))).toBe('error[MDL001] m/config.json the file is not UTF-8 text');
    expect(of('{"a":1,}')).toMatch(/^error\[JSON001\] m\/config\.json:1:8 /);
    expect(messageOf(() => readConfig(directoryOf('m', {})))).toBe(
      'error[MDL001] m there is no config.json (a model is a Hugging Face directory with config.json, model.safetensors and tokenizer.json)',
    );
  });
});
