import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.js';

/** What Go's `json.MarshalIndent(value, "", "    ")` writes: 4 spaces, no line end at the end, and `<`, `>`, `&` escaped for HTML. */
export function printGoJson(value: JsonValue): string {
  return JSON.stringify(value, null, 4).replace(/\\ud[0-9a-f]{3}|\\.|[<>&\u2028\u2029]/g, escapeAsGo);
}

/** Matches of whole escapes keep the two halves of `\\` together. Go has no short form for backspace and form feed. */
function escapeAsGo(text: string): string {
  // Half a surrogate pair cannot be encoded: Go holds U+FFFD in its place.
  if (text.startsWith('\\ud')) return '\ufffd';
  if (text === '\\b') return '\\u0008';
  if (text === '\\f') return '\\u000c';
  return text.length > 1 ? text : `\\u${text.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Thrown for a text that is no JSON. The message is Go's. */
export class GoJsonError extends Error {}

/** The value of a JSON text; a byte-order mark, which editors on Windows leave, is skipped. Throws GoJsonError. */
export function parseGoJson(text: string): JsonValue {
  const source = text.startsWith('\ufeff') ? text.slice(1) : text;
  try {
    return JSON.parse(source);
  } catch (error) {
    throw new GoJsonError(goSyntaxError(source), { cause: error });
  }
}

/** The kind of a value as Go's json package names it in its errors. */
export function goKind(value: JsonValue): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (isJsonObject(value)) return 'object';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

/** The key of `object` that Go would take for `name`: the same spelling first, else the same letters in any case. */
export function goKey(object: JsonObject, name: string): string | undefined {
  if (Object.hasOwn(object, name)) return name;
  const lower = name.toLowerCase();
  return Object.keys(object).find((key) => key.toLowerCase() === lower);
}

/** The value that Go would read for the field `name`. */
export function goField(object: JsonObject, name: string): JsonValue | undefined {
  const key = goKey(object, name);
  return key === undefined ? undefined : object[key];
}

const UNEXPECTED_END = 'unexpected end of JSON input';

/** What Go's json package says of a text that is not JSON: the first character that cannot be there, or its early end. */
export function goSyntaxError(text: string): string {
  const scan = new Scan(text);
  try {
    scan.value('looking for beginning of value');
    scan.space();
    scan.end();
  } catch (error) {
    if (error instanceof GoJsonError) return error.message;
    throw error;
  }
  return 'invalid JSON';
}

/** A walk through a JSON text that stops where Go's scanner stops. Nesting is walked with a stack of its own: the text may be anything. */
class Scan {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  space(): void {
    while (/^[ \t\r\n]$/.test(this.#text.charAt(this.#at))) this.#at++;
  }

  end(): void {
    if (this.#at < this.#text.length) this.#invalid('after top-level value');
  }

  value(where: string): void {
    const open: ('object' | 'array')[] = [];
    let context = where;
    for (;;) {
      this.space();
      const next = this.#text.charAt(this.#at);
      if (next === '{') {
        this.#at++;
        this.space();
        if (!this.#take('}')) {
          this.#key('looking for beginning of object key string');
          open.push('object');
          context = 'looking for beginning of value';
          continue;
        }
      } else if (next === '[') {
        this.#at++;
        this.space();
        if (!this.#take(']')) {
          open.push('array');
          context = 'looking for beginning of value';
          continue;
        }
      } else {
        this.#scalar(context);
      }
      if (!this.#closeOrContinue(open)) return;
      context = 'looking for beginning of value';
    }
  }

  /** After a value: closes what ends here; false when nothing is open any more. */
  #closeOrContinue(open: ('object' | 'array')[]): boolean {
    for (;;) {
      const innermost = open.at(-1);
      if (innermost === undefined) return false;
      this.space();
      if (this.#take(',')) {
        if (innermost === 'object') {
          this.space();
          this.#key('looking for beginning of object key string');
        }
        return true;
      }
      if (!this.#take(innermost === 'object' ? '}' : ']')) {
        this.#invalid(innermost === 'object' ? 'after object key:value pair' : 'after array element');
      }
      open.pop();
    }
  }

  #key(where: string): void {
    if (this.#text.charAt(this.#at) !== '"') this.#invalid(where);
    this.#string();
    this.space();
    if (!this.#take(':')) this.#invalid('after object key');
  }

  #scalar(where: string): void {
    const next = this.#text.charAt(this.#at);
    if (next === '"') this.#string();
    else if (next === 't') this.#literal('true');
    else if (next === 'f') this.#literal('false');
    else if (next === 'n') this.#literal('null');
    else if (/^[-0-9]$/.test(next)) this.#number();
    else this.#invalid(where);
  }

  #literal(word: string): void {
    for (const letter of word) {
      if (!this.#take(letter)) this.#invalidInToken(`in literal ${word} (expecting ${quoted(letter)})`);
    }
  }

  #string(): void {
    this.#at++;
    for (;;) {
      const next = this.#text.charAt(this.#at);
      if (next === '' || next < ' ') this.#invalid('in string literal');
      this.#at++;
      if (next === '"') return;
      if (next === '\\') this.#escape();
    }
  }

  #escape(): void {
    const next = this.#text.charAt(this.#at);
    if (next === 'u') {
      this.#at++;
      for (let digit = 0; digit < 4; digit++) {
        if (!/^[0-9a-fA-F]$/.test(this.#text.charAt(this.#at)))
          this.#invalidInToken('in \\u hexadecimal character escape');
        this.#at++;
      }
    } else if (next !== '' && '"\\/bfnrt'.includes(next)) this.#at++;
    else this.#invalidInToken('in string escape code');
  }

  #number(): void {
    this.#take('-');
    if (!this.#take('0')) this.#digits('in numeric literal');
    if (this.#take('.')) this.#digits('after decimal point in numeric literal');
    if (this.#take('e') || this.#take('E')) {
      if (!this.#take('+')) this.#take('-');
      this.#digits('in exponent of numeric literal');
    }
  }

  #digits(where: string): void {
    if (!/^[0-9]$/.test(this.#text.charAt(this.#at))) this.#invalidInToken(where);
    while (/^[0-9]$/.test(this.#text.charAt(this.#at))) this.#at++;
  }

  #take(letter: string): boolean {
    if (this.#text.charAt(this.#at) !== letter) return false;
    this.#at++;
    return true;
  }

  /** As `#invalid` inside of a literal, a number or an escape: Go puts a space behind the text, which is an error there. */
  #invalidInToken(where: string): never {
    if (this.#at >= this.#text.length) throw new GoJsonError(`invalid character ' ' ${where}`);
    this.#invalid(where);
  }

  #invalid(where: string): never {
    const code = this.#text.codePointAt(this.#at);
    if (code === undefined) throw new GoJsonError(UNEXPECTED_END);
    // Go looks at bytes: of a character beyond ASCII it names the first one.
    const [byte = 0] = new TextEncoder().encode(String.fromCodePoint(code));
    throw new GoJsonError(`invalid character ${quoted(String.fromCharCode(byte))} ${where}`);
  }
}

/** A byte as Go's strconv.Quote shows it between single quotes. */
function quoted(letter: string): string {
  if (letter === "'") return "'\\''";
  if (letter === '"') return `'"'`;
  const short = new Map([
    ['\x07', '\\a'],
    ['\b', '\\b'],
    ['\f', '\\f'],
    ['\n', '\\n'],
    ['\r', '\\r'],
    ['\t', '\\t'],
    ['\v', '\\v'],
    ['\\', '\\\\'],
  ]).get(letter);
  if (short !== undefined) return `'${short}'`;
  const code = letter.charCodeAt(0);
  if (code < 0x20 || code === 0x7f) return `'\\x${code.toString(16).padStart(2, '0')}'`;
  // Between 0x80 and 0x9f and at 0xa0 and 0xad there is nothing to see.
  return code >= 0x80 && (code <= 0xa0 || code === 0xad) ? `'\\u00${code.toString(16)}'` : `'${letter}'`;
}
