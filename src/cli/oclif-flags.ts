import { boolean, custom, string } from '@oclif/core/flags';
import type { FlagInput } from '@oclif/core/interfaces';
import { goQuote } from '../core/go-quote.js';
import type { FlagSpec } from './flag-spec.js';
import { parseInteger, unshielded } from './flag-syntax.js';

/**
 * The same flags as oclif declares them. Neither defaults nor environment variables are handed to oclif: its rules for
 * them differ from docker-machine's, so `readFlagValues` looks after both and can tell a given flag from a default.
 */
export function toOclifFlags(specs: readonly FlagSpec[]): FlagInput {
  return Object.fromEntries(specs.map((spec) => [spec.name, toOclifFlag(spec)]));
}

function toOclifFlag(spec: FlagSpec): FlagInput[string] {
  const common = { description: spec.help, ...charOf(spec) };
  switch (spec.type) {
    case 'bool':
      return boolean({ ...common, allowNo: true });
    case 'int':
      return custom<number>({ ...common, parse: async (text) => integerOf(spec.name, unshielded(text)) })();
    case 'slice':
      // Not greedy: oclif would otherwise take the machine's name for one more value.
      return string({
        ...common,
        multiple: true,
        multipleNonGreedy: true,
        parse: async (text) => unshielded(text),
      });
    case 'string':
      return string({ ...common, parse: async (text) => unshielded(text) });
  }
}

function integerOf(name: string, text: string): number {
  const value = parseInteger(text);
  if (typeof value === 'number') return value;
  throw new Error(`invalid value ${goQuote(text)} for flag -${name}: ${value}`);
}

function charOf(spec: FlagSpec): { char?: AlphabetCharacter } {
  return spec.short !== undefined && isAlphabetCharacter(spec.short) ? { char: spec.short } : {};
}

type AlphabetCharacter = NonNullable<NonNullable<Parameters<typeof string>[0]>['char']>;

function isAlphabetCharacter(text: string): text is AlphabetCharacter {
  return /^[a-zA-Z]$/.test(text);
}
