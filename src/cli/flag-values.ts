import type { FlagValues } from '../core/driver.js';
import { goQuote } from '../core/go-quote.js';
import type { Environment, FlagSpec } from './flag-spec.js';
import { parseBool, parseInteger } from './flag-syntax.js';

type FlagValue = FlagValues[string];

export interface ReadFlags {
  /** Every flag of the specs: what was given, else its variable, else its default, else '', 0, false or []. */
  readonly values: FlagValues;
  /** Flags with a value from the command line or from their variable: not a default. */
  readonly given: ReadonlySet<string>;
  /** Where a flag's value is from, for messages: `--proxy` or `MACHINE_PROXY`. */
  originOf(flag: string): string;
  /** A sentence for each variable whose text cannot be read. */
  readonly warnings: readonly string[];
}

/**
 * The values of the flags: command line before environment variable before default. `parsed` is what oclif read.
 * A variable that is empty counts as unset; a slice's variable is split on commas. A variable that is no integer or
 * bool gives the default, as in docker-machine, but with a warning.
 */
export function readFlagValues(
  specs: readonly FlagSpec[],
  parsed: Readonly<Record<string, unknown>>,
  env: Environment,
): ReadFlags {
  const values: Record<string, FlagValue> = {};
  const given = new Set<string>();
  const variables = new Map<string, string>();
  const warnings: string[] = [];
  for (const spec of specs) {
    const typed = givenValue(parsed[spec.name]);
    const value = typed ?? fromEnvironment(spec, env, warnings);
    if (value !== undefined) given.add(spec.name);
    if (value !== typed && spec.env !== undefined) variables.set(spec.name, spec.env);
    values[spec.name] = value ?? spec.default ?? EMPTY[spec.type];
  }
  return { values, given, originOf: (flag) => variables.get(flag) ?? `--${flag}`, warnings };
}

const EMPTY = { string: '', int: 0, bool: false, slice: [] } as const satisfies Record<
  FlagSpec['type'],
  FlagValue
>;

function givenValue(parsed: unknown): FlagValue | undefined {
  if (Array.isArray(parsed)) return parsed.map(String);
  if (typeof parsed === 'string' || typeof parsed === 'number' || typeof parsed === 'boolean') return parsed;
  return undefined;
}

function fromEnvironment(spec: FlagSpec, env: Environment, warnings: string[]): FlagValue | undefined {
  const text = spec.env === undefined ? '' : (env[spec.env] ?? '');
  if (text === '') return undefined;
  switch (spec.type) {
    case 'string':
      return text;
    case 'slice':
      return text.split(',').map((item) => item.trim());
    case 'bool': {
      const on = parseBool(text);
      if (on === undefined) warnings.push(ignored(spec, text, 'neither true nor false'));
      return on;
    }
    case 'int': {
      const value = parseInteger(text);
      if (typeof value === 'number') return value;
      warnings.push(ignored(spec, text, 'not a whole number'));
      return undefined;
    }
  }
}

function ignored(spec: FlagSpec, text: string, why: string): string {
  const fallback = String(spec.default ?? EMPTY[spec.type]);
  return `${spec.env}=${goQuote(text)} is ignored, because it is ${why}: --${spec.name} is ${fallback}`;
}
