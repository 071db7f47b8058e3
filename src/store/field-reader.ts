import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.js';
import { goField, goKey, goKind } from './go-json.js';

/** Thrown for a value of another type than the field's. The message is Go's. */
export class FieldTypeError extends Error {}

/**
 * The fields of a Go struct in a JSON object, read as Go reads them: keys match in any case, a missing key or `null` is the zero value, a
 * wrong type an error. `struct` is the struct's name in that error.
 */
export class FieldReader {
  readonly #object: JsonObject;
  readonly #struct: string;

  constructor(object: JsonObject, struct: string) {
    this.#object = object;
    this.#struct = struct;
  }

  text(name: string): string {
    const value = this.#value(name);
    return typeof value === 'string' ? value : this.#zero(name, value, 'string', '');
  }

  flag(name: string): boolean {
    const value = this.#value(name);
    return typeof value === 'boolean' ? value : this.#zero(name, value, 'bool', false);
  }

  integer(name: string): number {
    const value = this.#value(name);
    return typeof value === 'number' && Number.isInteger(value) ? value : this.#zero(name, value, 'int', 0);
  }

  number(name: string): number {
    const value = this.#value(name);
    return typeof value === 'number' ? value : this.#zero(name, value, 'float64', 0);
  }

  /** A list of texts; `null`, which is Go's list that was never set, stays `null`. */
  list(name: string): readonly string[] | null {
    const value = this.#value(name);
    if (!Array.isArray(value)) return this.#zero(name, value, '[]string', null);
    return value.map((item) => (typeof item === 'string' ? item : this.#zero(name, item, 'string', '')));
  }

  /** A nested object; undefined when it is missing or `null`. */
  object(name: string): JsonObject | undefined {
    const value = this.#value(name);
    return isJsonObject(value) ? value : this.#zero(name, value, name, undefined);
  }

  /** `known` with the object's other keys in their places. Key by key `known` wins; nothing of it is lost or moved without need. */
  withOthers<T extends object>(known: T): T {
    const names = Object.keys(known);
    const spelling = new Map(names.map((name) => [goKey(this.#object, name), name]));
    const keys = Object.keys(this.#object);
    if (keys.every((key) => spelling.has(key))) return known;
    const places = Object.fromEntries(keys.map((key) => [spelling.get(key) ?? key, this.#object[key]]));
    return Object.assign(places, known);
  }

  #value(name: string): JsonValue | undefined {
    return goField(this.#object, name);
  }

  #zero<T>(name: string, value: JsonValue | undefined, type: string, zero: T): T {
    if (value === undefined || value === null) return zero;
    // Go shows the number itself when it is one of the wrong kind, such as 1.5 for an int.
    const kind = type === 'int' && typeof value === 'number' ? `number ${value}` : goKind(value);
    throw new FieldTypeError(
      `json: cannot unmarshal ${kind} into Go struct field ${this.#struct}.${name} of type ${type}`,
    );
  }
}
