import { messageOf, TmachineError } from './errors.js';
import type { MachineRecord } from './machine.js';

/** The criteria of `ls --filter`: values of one key are alternatives, different keys must all hold. */
export interface ListFilter {
  /** What the record alone decides; machines that cannot be read are never filtered out. */
  matchesRecord(record: MachineRecord): boolean;
  /** What only the machine's state decides: the contract's word. */
  matchesState(state: string): boolean;
  /** What only the other machines decide: the name of the machine's swarm master, empty for none. */
  matchesSwarm(swarm: string): boolean;
}

type Criteria = ReadonlyMap<string, readonly string[]>;

const KEYS = new Set(['driver', 'swarm', 'state', 'name', 'label']);

/** Reads `key=value` words. Throws TmachineError with the contract's text for other words, unknown keys and bad expressions. */
export function parseListFilter(words: readonly string[]): ListFilter {
  const criteria = new Map<string, string[]>();
  for (const word of words) {
    const equals = word.indexOf('=');
    if (equals < 0) {
      throw refusal('Unsupported filter syntax', `"${word}" is not of the form key=value`);
    }
    const key = word.slice(0, equals).trim().toLowerCase();
    if (!KEYS.has(key)) {
      throw refusal(`Unsupported filter key '${key}'`, `keys are: ${[...KEYS].join(', ')}`);
    }
    criteria.set(key, [...(criteria.get(key) ?? []), word.slice(equals + 1)]);
  }
  const names = criteria.get('name')?.map(expression);
  return {
    matchesRecord: (record) =>
      anyEqual(criteria, 'driver', record.driverName) &&
      (names === undefined || names.some((name) => name.test(record.name))) &&
      hasLabel(criteria, record.hostOptions.EngineOptions.Labels ?? []),
    matchesState: (state) => anyEqual(criteria, 'state', state),
    matchesSwarm: (swarm) => anyEqual(criteria, 'swarm', swarm),
  };
}

function anyEqual(criteria: Criteria, key: string, value: string): boolean {
  const wanted = criteria.get(key);
  return wanted === undefined || wanted.some((it) => it.toLowerCase() === value.toLowerCase());
}

/** A label without "=" has an empty value; docker-machine crashes on one. */
function hasLabel(criteria: Criteria, labels: readonly string[]): boolean {
  const wanted = criteria.get('label');
  if (wanted === undefined) return true;
  return wanted.some((word) => {
    const [key, value] = splitLabel(word);
    return labels
      .map(splitLabel)
      .some(([has, held]) => has === key && held.toLowerCase() === value.toLowerCase());
  });
}

function splitLabel(label: string): readonly [string, string] {
  const equals = label.indexOf('=');
  return equals < 0 ? [label, ''] : [label.slice(0, equals), label.slice(equals + 1)];
}

function expression(pattern: string): RegExp {
  try {
    return new RegExp(pattern, 'u');
  } catch (error) {
    throw refusal(`error parsing regexp: \`${pattern}\``, messageOf(error));
  }
}

function refusal(message: string, reason: string): TmachineError {
  return new TmachineError({
    code: 'LIST_FILTER_INVALID',
    verbatim: true,
    message,
    reason,
    nextSteps: ['for example: --filter state=running --filter name=dev'],
  });
}
