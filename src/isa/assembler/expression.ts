import { didYouMean } from '../suggest.ts';
import { asmError, type Position } from './errors.ts';
import type { Token } from './lexer.ts';

/** What an expression gives: an integer, a float, or the bit pattern of a float (`bits(…)`). */
export type Value =
  | { readonly type: 'integer'; readonly value: bigint }
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'bits'; readonly value: bigint };

/** What names mean. */
export interface Scope {
  /** The value of a constant or label, or undefined. */
  lookUp(name: string): Value | undefined;
  /** The number of a register by its name or alias, or undefined. */
  register(name: string): number | undefined;
  /** All names, for suggestions. */
  names(): Iterable<string>;
}

/** The tokens of a line and how far they have been read. */
export class Cursor {
  private at = 0;
  private readonly tokens: readonly Token[];
  private readonly file: string;
  private readonly line: number;

  constructor(tokens: readonly Token[], file: string, line: number) {
    this.tokens = tokens;
    this.file = file;
    this.line = line;
  }

  get token(): Token {
    return this.tokens[this.at] as Token;
  }

  /** The token after the present one. */
  get following(): Token {
    return this.tokens[Math.min(this.at + 1, this.tokens.length - 1)] as Token;
  }

  next(): Token {
    const { token } = this;
    if (token.type !== 'end') this.at += 1;
    return token;
  }

  get atEnd(): boolean {
    return this.token.type === 'end';
  }

  is(text: string): boolean {
    return this.token.type === 'symbol' && this.token.text === text;
  }

  /** Steps over a symbol if it is there. */
  take(text: string): boolean {
    if (!this.is(text)) return false;
    this.at += 1;
    return true;
  }

  expect(text: string): void {
    if (!this.take(text)) throw this.error('ASM011', `expected ${text} and found ${this.token.text}`);
  }

  expectName(what: string): Token {
    if (this.token.type !== 'name') throw this.error('ASM011', `expected ${what} and found ${this.token.text}`);
    return this.next();
  }

  expectEnd(): void {
    if (!this.atEnd) throw this.error('ASM011', `expected the end of the line and found ${this.token.text}`);
  }

  /** Steps over everything up to a `,` or `@` outside of brackets, or the end. */
  skipOperand(): void {
    let depth = 0;
    while (!this.atEnd && (depth > 0 || !(this.is(',') || this.is('@')))) {
      if (this.is('(')) depth += 1;
      if (this.is(')')) depth -= 1;
      this.next();
    }
  }

  position(token: Token = this.token): Position {
    return { file: this.file, line: this.line, column: token.column };
  }

  error(code: string, message: string, hint?: string, token?: Token) {
    return asmError(code, this.position(token), message, hint);
  }
}

type Operator = '|' | '&' | '<<' | '>>' | '+' | '-' | '*' | '/' | '%';

/** Loosest first. */
const precedence: readonly (readonly Operator[])[] = [['|'], ['&'], ['<<', '>>'], ['+', '-'], ['*', '/', '%']];
const deepest = 100;
const largest = 2n ** 64n;

/** Reads and computes an expression; throws ASM008 (unknown name), ASM011 (syntax), ASM012 (kind), ASM016 (arithmetic). */
export function evaluate(cursor: Cursor, scope: Scope, depth = 0): Value {
  return binary(cursor, scope, 0, depth);
}

/** Continues an expression whose first term is known: what follows `r5` in `r5 + 2 * 8`. */
export function evaluateAfter(first: Value, cursor: Cursor, scope: Scope): Value {
  return chain(first, cursor, scope, 3, 0);
}

function binary(cursor: Cursor, scope: Scope, level: number, depth: number): Value {
  if (level === precedence.length) return unary(cursor, scope, depth);
  return chain(binary(cursor, scope, level + 1, depth), cursor, scope, level, depth);
}

/** Left-associative chain of the operators of one level. */
function chain(first: Value, cursor: Cursor, scope: Scope, level: number, depth: number): Value {
  let left = first;
  for (;;) {
    const token = cursor.token;
    const operator = (precedence[level] as readonly Operator[]).find((symbol) => cursor.is(symbol));
    if (operator === undefined) return left;
    cursor.next();
    left = apply(operator, left, binary(cursor, scope, level + 1, depth), cursor, token);
  }
}

function unary(cursor: Cursor, scope: Scope, depth: number): Value {
  if (depth > deepest) throw cursor.error('ASM011', `brackets and signs nest deeper than ${deepest}`);
  const token = cursor.token;
  if (cursor.take('+')) return unary(cursor, scope, depth + 1);
  if (cursor.take('-')) {
    const value = unary(cursor, scope, depth + 1);
    if (value.type === 'float') return { type: 'float', value: -value.value };
    return apply('-', { type: 'integer', value: 0n }, value, cursor, token);
  }
  if (cursor.take('(')) {
    const value = evaluate(cursor, scope, depth + 1);
    cursor.expect(')');
    return value;
  }
  if (token.type === 'integer' || token.type === 'float') {
    cursor.next();
    return token.type === 'integer' ? { type: 'integer', value: token.value } : { type: 'float', value: token.value };
  }
  if (token.type !== 'name') throw cursor.error('ASM011', `expected a value and found ${token.text}`);
  cursor.next();
  if (token.text === 'bits' && cursor.take('(')) {
    const value = evaluate(cursor, scope, depth + 1);
    cursor.expect(')');
    if (value.type !== 'integer' || value.value < 0n || value.value > 0xffffffffn) {
      throw cursor.error('ASM012', 'bits(…) takes the 32 bits of a float32', 'for example bits(0x7fc00000)', token);
    }
    return { type: 'bits', value: value.value };
  }
  const value = scope.lookUp(token.text);
  if (value !== undefined) return value;
  if (scope.register(token.text) !== undefined) {
    throw cursor.error(
      'ASM012',
      `a register cannot stand here: ${token.text}`,
      'register + offset, register first',
      token,
    );
  }
  throw cursor.error('ASM008', `nothing is called ${token.text}`, didYouMean(token.text, scope.names()), token);
}

function apply(operator: Operator, left: Value, right: Value, cursor: Cursor, token: Token): Value {
  if (left.type === 'bits' || right.type === 'bits') {
    throw cursor.error('ASM012', 'bits(…) cannot be calculated with', undefined, token);
  }
  if (left.type === 'float' || right.type === 'float') {
    return { type: 'float', value: floatApply(operator, Number(left.value), Number(right.value), cursor, token) };
  }
  const value = integerApply(operator, left.value, right.value, cursor, token);
  if (value >= largest || value <= -largest)
    throw cursor.error('ASM016', 'the result needs more than 64 bits', undefined, token);
  return { type: 'integer', value };
}

function floatApply(operator: Operator, a: number, b: number, cursor: Cursor, token: Token): number {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      if (b === 0) throw cursor.error('ASM016', 'division by zero', undefined, token);
      return a / b;
    default:
      throw cursor.error('ASM012', `${operator} works on integers only`, undefined, token);
  }
}

function integerApply(operator: Operator, a: bigint, b: bigint, cursor: Cursor, token: Token): bigint {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '&':
      return a & b;
    case '|':
      return a | b;
    case '/':
    case '%':
      if (b === 0n) throw cursor.error('ASM016', 'division by zero', undefined, token);
      return operator === '/' ? a / b : a % b;
    default:
      if (b < 0n || b > 63n) throw cursor.error('ASM016', `a shift by ${b} is not from 0 to 63`, undefined, token);
      return operator === '<<' ? a << b : a >> b;
  }
}
