import { isJsonObject, type JsonObject, type JsonValue } from '../json.js';

/** A value as a Go template sees it. `type` is Go's name of its static type, for error texts. */
export type GoValue =
  /** Nothing: a key that a map does not have. */
  | { readonly kind: 'none' }
  /** What JSON can hold, read into Go's `interface{}`; also strings, bools and lists of structs. */
  | { readonly kind: 'plain'; readonly type: string; readonly value: JsonValue }
  /** A value that prints itself. */
  | { readonly kind: 'text'; readonly type: string; readonly text: string }
  | { readonly kind: 'struct'; readonly type: string; readonly fields: ReadonlyMap<string, GoValue> }
  | { readonly kind: 'nilPointer'; readonly type: string };

/** A JSON value as `inspect -f` reads it: objects are maps, numbers float64. */
export function fromJson(value: JsonValue): GoValue {
  return { kind: 'plain', type: 'interface {}', value };
}

/** The field or key of a value, or Go's words for why there is none. */
export function fieldOf(value: GoValue, name: string): GoValue | string {
  switch (value.kind) {
    case 'none':
      return value;
    case 'plain':
      if (value.value === null) return `nil pointer evaluating ${value.type}.${name}`;
      if (!isJsonObject(value.value)) return `can't evaluate field ${name} in type ${value.type}`;
      return Object.hasOwn(value.value, name) ? fromJson(value.value[name] ?? null) : { kind: 'none' };
    case 'struct':
      return value.fields.get(name) ?? `can't evaluate field ${name} in type ${value.type}`;
    case 'nilPointer':
      return `nil pointer evaluating ${value.type}.${name}`;
    case 'text':
      return `can't evaluate field ${name} in type ${value.type}`;
  }
}

/** What `{{ }}` prints for a value. A null that was asked for is no value; one inside a list or map is `<nil>`. */
export function printValue(value: GoValue): string {
  switch (value.kind) {
    case 'none':
      return '<no value>';
    case 'plain':
      return value.value === null ? '<no value>' : printJson(value.value);
    case 'text':
      return value.text;
    case 'struct':
      return `{${[...value.fields.values()].map(printValue).join(' ')}}`;
    case 'nilPointer':
      return '<nil>';
  }
}

/** Go's `%v` of a value that was read from JSON. */
function printJson(value: JsonValue): string {
  if (value === null) return '<nil>';
  if (typeof value === 'number') return printFloat(value);
  if (typeof value !== 'object') return String(value);
  if (!isJsonObject(value)) return `[${value.map(printJson).join(' ')}]`;
  const entries = sortedKeys(value).map((key) => `${key}:${printJson(value[key] ?? null)}`);
  return `map[${entries.join(' ')}]`;
}

/** Go's `%v` of a float64: the shortest digits, with an exponent below 0.0001 and from a million on. */
export function printFloat(value: number): string {
  if (Object.is(value, -0)) return '-0';
  const [digits = '', exponent = '0'] = value.toExponential().split('e');
  const power = Number(exponent);
  if (value === 0 || (power >= -4 && power < 6)) return String(value);
  return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}

/** Keys in Go's order: by their UTF-8 bytes, which is the order of their code points. */
export function sortedKeys(object: JsonObject): string[] {
  return Object.keys(object).sort(compareCodePoints);
}

function compareCodePoints(a: string, b: string): number {
  const left = Array.from(a);
  const right = Array.from(b);
  for (let at = 0; at < left.length && at < right.length; at += 1) {
    const difference = (left[at]?.codePointAt(0) ?? 0) - (right[at]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** Go's text of a duration, such as `12ms`, `1.003s`, `1m0s`. */
export function printDuration(milliseconds: number): string {
  if (milliseconds === 0) return '0s';
  if (milliseconds < 1000) return `${milliseconds}ms`;
  const hours = Math.floor(milliseconds / 3_600_000);
  const minutes = Math.floor((milliseconds % 3_600_000) / 60_000);
  const seconds = (milliseconds % 60_000) / 1000;
  const head = hours > 0 ? `${hours}h${minutes}m` : minutes > 0 ? `${minutes}m` : '';
  return `${head}${seconds}s`;
}
