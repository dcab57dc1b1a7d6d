import { asmError, type Position } from './errors.ts';

/** A piece of a line. `text` is as written, except that numbers carry their value. */
export type Token = { readonly column: number; readonly text: string } & (
  | { readonly type: 'name' | 'directive' | 'symbol' | 'end' }
  | { readonly type: 'integer'; readonly value: bigint }
  | { readonly type: 'float'; readonly value: number }
);

const shapes = {
  space: /[ \t\r]+/y,
  directive: /\.[A-Za-z][A-Za-z0-9]*/y,
  name: /[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*/y,
  float: /\d[\d_]*(?:\.\d+(?:[eE][+-]?\d+)?f?|[eE][+-]?\d+f?|f)/y,
  integer: /0[xX]_*[0-9A-Fa-f][0-9A-Fa-f_]*|0[bB]_*[01][01_]*|\d[\d_]*/y,
  symbol: /<<|>>|[-+*/%()&|=,:@]/y,
} as const;

function match(shape: RegExp, text: string, at: number): string | undefined {
  shape.lastIndex = at;
  return shape.exec(text)?.[0];
}

/** The tokens of one line, an `end` token last; a comment runs from `;` to the end. Throws ASM001. */
export function tokenize(text: string, line: number, file: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length && text[at] !== ';') {
    const position: Position = { file, line, column: at + 1 };
    const token = readToken(text, at, position);
    if (token === undefined) at += (match(shapes.space, text, at) as string).length;
    else {
      tokens.push(token);
      at += token.text.length;
    }
  }
  tokens.push({ type: 'end', text: 'the end of the line', column: at + 1 });
  return tokens;
}

/** The token at `at`, or undefined for white space. */
function readToken(text: string, at: number, position: Position): Token | undefined {
  const { column } = position;
  if (match(shapes.space, text, at) !== undefined) return undefined;
  for (const type of ['directive', 'name', 'symbol'] as const) {
    const found = match(shapes[type], text, at);
    if (found !== undefined) return { type, text: found, column };
  }
  const hex = /0[xXbB]/y;
  const float = match(hex, text, at) === undefined ? match(shapes.float, text, at) : undefined;
  const number = float ?? match(shapes.integer, text, at);
  if (number === undefined) {
    const character = String.fromCodePoint(text.codePointAt(at) as number);
    throw asmError('ASM001', position, `cannot read ${JSON.stringify(character)}`, 'a comment begins with ;');
  }
  const after = text[at + number.length];
  if (after !== undefined && /[A-Za-z0-9_.]/.test(after)) {
    throw asmError(
      'ASM001',
      position,
      `cannot read the number ${number}${after}`,
      'for example 64, 0x40, 0b1000, 1.5f',
    );
  }
  if (number.length > 80) throw asmError('ASM001', position, 'the number is too long');
  const plain = number.replaceAll('_', '');
  if (float !== undefined) return { type: 'float', text: number, column, value: Number(plain.replace(/f$/, '')) };
  return { type: 'integer', text: number, column, value: BigInt(plain) };
}
