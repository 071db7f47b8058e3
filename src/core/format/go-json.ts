import { isJsonObject, type JsonValue } from '../json.js';
import { sortedKeys } from './go-value.js';

/**
 * JSON as Go's encoding/json writes a value that it has read: keys sorted, `<`, `>`, `&` and the two line separators
 * escaped. `indent` empty: on one line.
 */
export function goJson(value: JsonValue, indent = ''): string {
  return encode(value, indent, '\n');
}

function encode(value: JsonValue, indent: string, newline: string): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return JSON.stringify(value);
  if (typeof value === 'string') return encodeString(value);
  const inner = newline + indent;
  if (isJsonObject(value)) {
    const colon = indent === '' ? ':' : ': ';
    const entries = sortedKeys(value).map(
      (key) => encodeString(key) + colon + encode(value[key] ?? null, indent, inner),
    );
    return enclosed('{', entries, '}', indent, newline);
  }
  return enclosed(
    '[',
    value.map((item) => encode(item, indent, inner)),
    ']',
    indent,
    newline,
  );
}

function enclosed(
  open: string,
  items: readonly string[],
  close: string,
  indent: string,
  newline: string,
): string {
  if (items.length === 0) return open + close;
  if (indent === '') return open + items.join(',') + close;
  const inner = newline + indent;
  return open + inner + items.join(`,${inner}`) + newline + close;
}

function encodeString(text: string): string {
  // JSON.stringify has short forms for backspace and form feed, which Go got only in 1.22.
  return JSON.stringify(text)
    .replace(/\\[\\"nrtbf]/g, (short) => (short === '\\b' ? '\\u0008' : short === '\\f' ? '\\u000c' : short))
    .replace(
      /[<>&\u2028\u2029]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
}
