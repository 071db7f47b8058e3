import { goQuote } from '../go-quote.js';
import { parseError } from './template-error.js';

export interface Token {
  readonly kind:
    | 'text'
    | 'leftDelimiter'
    | 'rightDelimiter'
    | 'space'
    | 'dot'
    | 'field'
    | 'variable'
    | 'identifier'
    | 'keyword'
    | 'constant'
    | 'pipe'
    | 'declaration'
    | 'leftParen'
    | 'rightParen'
    | 'character'
    | 'end';
  readonly text: string;
  readonly offset: number;
}

const KEYWORDS = new Set([
  'block',
  'break',
  'continue',
  'define',
  'else',
  'end',
  'if',
  'range',
  'template',
  'with',
]);
const CONSTANTS = new Set(['true', 'false', 'nil']);

/** A word of letters, digits and underscores in any script. */
const WORD = /[\p{L}\p{Nd}_]*/uy;
/** What may follow a field, a variable or a word: a blank, an operator, or the end of the action. */
const TERMINATOR = /[ \t\r\n.,|:()]|\}\}|$(?![\s\S])/y;
const STRING = /"(?:[^"\\\n]|\\[^\n])*"/y;
const RAW_STRING = /`[^`]*`/y;
const CHARACTER = /'(?:[^'\\\n]|\\[^\n])*'/y;
/** A number as far as it is one; a letter behind it spoils it. */
const NUMBER = /[+-]?(?:0[xXbBoO][\da-fA-F_]+|\d[\d_]*)?\.?[\d_]*(?:[eEpP][+-]?\d+)?i?/y;

/**
 * A template as tokens, one by one, since Go reports an error only when its parser comes to it: text outside `{{ }}`
 * (trimmed where `{{- ` and ` -}}` ask for it, without comments), and what stands inside. Throws TemplateError.
 */
export function* tokensOf(text: string): Generator<Token> {
  let at = 0;
  let trimNext = false;
  for (;;) {
    const open = text.indexOf('{{', at);
    const trimsBefore = open >= 0 && /^-[ \t\r\n]/.test(text.slice(open + 2, open + 4));
    let plain = text.slice(at, open < 0 ? text.length : open);
    if (trimNext) plain = plain.replace(/^[ \t\r\n]+/, '');
    if (trimsBefore) plain = plain.replace(/[ \t\r\n]+$/, '');
    if (plain !== '') yield { kind: 'text', text: plain, offset: at };
    if (open < 0) {
      yield { kind: 'end', text: '', offset: text.length };
      return;
    }
    at = open + (trimsBefore ? 4 : 2);
    if (text.startsWith('/*', at)) {
      at = afterComment(text, at);
    } else {
      yield { kind: 'leftDelimiter', text: '{{', offset: open };
      at = yield* insideAction(text, at);
    }
    trimNext = text.startsWith('-}}', at - 3) && /[ \t\r\n]/.test(text.charAt(at - 4));
  }
}

/** The offset behind the comment that begins at `at` and the `}}` that must follow it. */
function afterComment(text: string, at: number): number {
  const close = text.indexOf('*/', at);
  if (close < 0) throw parseError(text, at, 'unclosed comment');
  const end = delimiterEnd(text, close + 2);
  if (end === undefined) throw parseError(text, at, 'comment ends before closing delimiter');
  return end;
}

/** The offset behind `}}` or ` -}}` at this place; undefined when there is none. */
function delimiterEnd(text: string, at: number): number | undefined {
  if (text.startsWith('}}', at)) return at + 2;
  return /^[ \t\r\n]-\}\}/.test(text.slice(at, at + 4)) ? at + 4 : undefined;
}

/** The tokens from `at` to the end of the action; returns the offset behind it. */
function* insideAction(text: string, start: number): Generator<Token, number> {
  let at = start;
  let parens = 0;
  for (;;) {
    const end = delimiterEnd(text, at);
    if (end !== undefined) {
      if (parens > 0) throw parseError(text, at, 'unclosed left paren');
      yield { kind: 'rightDelimiter', text: '}}', offset: at };
      return end;
    }
    if (at >= text.length) throw parseError(text, start, 'unclosed action');
    const token = nextToken(text, at);
    if (token.kind === 'leftParen') parens += 1;
    if (token.kind === 'rightParen') parens -= 1;
    yield token;
    at += token.text.length;
  }
}

function nextToken(text: string, at: number): Token {
  const first = String.fromCodePoint(text.codePointAt(at) ?? 0);
  const token = (kind: Token['kind'], length: number): Token => ({
    kind,
    text: text.slice(at, at + length),
    offset: at,
  });
  if (/[ \t\r\n]/.test(first)) return token('space', blanks(text, at));
  if (first === '|') return token('pipe', 1);
  if (first === '(') return token('leftParen', 1);
  if (first === ')') return token('rightParen', 1);
  if (first === '=') return token('declaration', 1);
  if (first === ':') {
    if (text.startsWith(':=', at)) return token('declaration', 2);
    throw parseError(text, at, 'expected :=');
  }
  if (first === '"') return token('constant', quoted(STRING, text, at, 'unterminated quoted string'));
  if (first === '`') return token('constant', quoted(RAW_STRING, text, at, 'unterminated raw quoted string'));
  if (first === "'") return token('constant', quoted(CHARACTER, text, at, 'unterminated character constant'));
  if (first === '$') return token('variable', terminated(text, at, 1));
  if (/[+\-\d]/.test(first) || (first === '.' && /\d/.test(text.charAt(at + 1)))) {
    return token('constant', numberLength(text, at));
  }
  if (first === '.') {
    const length = terminated(text, at, 1);
    return token(length === 1 ? 'dot' : 'field', length);
  }
  if (/[\p{L}\p{Nd}_]/u.test(first)) {
    const word = token('identifier', terminated(text, at, 0));
    if (KEYWORDS.has(word.text)) return { ...word, kind: 'keyword' };
    return CONSTANTS.has(word.text) ? { ...word, kind: 'constant' } : word;
  }
  if (/[!-~]/.test(first)) return token('character', 1);
  throw parseError(text, at, `unrecognized character in action: ${goCharacter(first)}`);
}

/** Blanks up to what may be the ` -}}` that ends the action: the blank before the dash belongs to it. */
function blanks(text: string, at: number): number {
  let end = at;
  while (/[ \t\r\n]/.test(text.charAt(end)) && (end === at || delimiterEnd(text, end) === undefined))
    end += 1;
  return end - at;
}

/** The length of a mark of `marks` characters and the word behind it, which must be followed by a terminator. */
function terminated(text: string, at: number, marks: number): number {
  const length = marks + (match(WORD, text, at + marks) ?? 0);
  if (match(TERMINATOR, text, at + length) !== undefined) return length;
  const wrong = String.fromCodePoint(text.codePointAt(at + length) ?? 0);
  throw parseError(text, at, `bad character ${goCharacter(wrong)}`);
}

function numberLength(text: string, at: number): number {
  const length = match(NUMBER, text, at) ?? 0;
  const next = String.fromCodePoint(text.codePointAt(at + length) ?? 32);
  if (/[\p{L}\p{Nd}_]/u.test(next) || !/\d/.test(text.slice(at, at + length))) {
    throw parseError(text, at, `bad number syntax: ${goQuote(text.slice(at, at + length) + next)}`);
  }
  return length;
}

function quoted(pattern: RegExp, text: string, at: number, problem: string): number {
  const length = match(pattern, text, at);
  if (length === undefined) throw parseError(text, at, problem);
  return length;
}

/** How many characters a sticky pattern matches at this place; undefined for none. */
function match(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0].length;
}

/** Go's `%#U`. */
function goCharacter(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `U+${code} '${character}'`;
}
