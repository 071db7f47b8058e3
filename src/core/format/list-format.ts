import type { JsonValue } from '../json.js';
import type { EngineOptions, SwarmOptions } from '../machine.js';
import { renderTemplate } from './evaluate.js';
import { type GoValue, printDuration } from './go-value.js';
import { parseTemplate } from './parser.js';

/** A row of `ls` with all that its template may name. */
export interface ListRow {
  readonly name: string;
  /** `-`, `*`, `* (swarm)`, or empty when it could not be asked. */
  readonly active: string;
  readonly activeHost: boolean;
  readonly activeSwarm: boolean;
  readonly driverName: string;
  readonly state: string;
  readonly url: string;
  readonly swarm: string;
  readonly error: string;
  readonly dockerVersion: string;
  readonly responseMs: number;
  /** Undefined for a machine whose record cannot be read. */
  readonly engineOptions: EngineOptions | undefined;
  readonly swarmOptions: SwarmOptions | undefined;
}

export interface FormattedList {
  readonly text: string;
  /** The columns still have to be aligned (tabs between them). */
  readonly isTable: boolean;
}

const DEFAULT_FORMAT =
  'table {{ .Name }}\t{{ .Active }}\t{{ .DriverName}}\t{{ .State }}\t{{ .URL }}\t{{ .Swarm }}\t{{ .DockerVersion }}\t{{ .Error}}';

const HEADERS: JsonValue = {
  Name: 'NAME',
  Active: 'ACTIVE',
  ActiveHost: 'ACTIVE_HOST',
  ActiveSwarm: 'ACTIVE_SWARM',
  DriverName: 'DRIVER',
  State: 'STATE',
  URL: 'URL',
  SwarmOptions: 'SWARM_OPTIONS',
  Swarm: 'SWARM',
  EngineOptions: 'ENGINE_OPTIONS',
  Error: 'ERRORS',
  DockerVersion: 'DOCKER',
  ResponseTime: 'RESPONSE',
};

/**
 * The answer of `ls` (format empty) and of `ls -f FORMAT`: one filled-in template for each row; `table` before it asks for a
 * header and aligned columns. The two characters `\t` and `\n` stand for a tab and a line end.
 * Throws TemplateError with the contract's text.
 */
export function formatList(format: string, rows: readonly ListRow[]): FormattedList {
  const wanted = format === '' ? DEFAULT_FORMAT : format;
  const isTable = wanted.startsWith('table');
  const body = (isTable ? wanted.slice('table'.length) : wanted)
    .replace(/^ +| +$/g, '')
    .replaceAll('\\t', '\t')
    .replaceAll('\\n', '\n');
  const template = parseTemplate(`${body}\n`, new Set());
  const values = [...(isTable ? [headerValue()] : []), ...rows.map(rowValue)];
  return { text: values.map((value) => renderTemplate(template, value, new Map())).join(''), isTable };
}

function headerValue(): GoValue {
  return { kind: 'plain', type: 'map[string]string', value: HEADERS };
}

function rowValue(row: ListRow): GoValue {
  return struct('commands.HostListItem', [
    ['Name', plain('string', row.name)],
    ['Active', plain('string', row.active)],
    ['ActiveHost', plain('bool', row.activeHost)],
    ['ActiveSwarm', plain('bool', row.activeSwarm)],
    ['DriverName', plain('string', row.driverName)],
    ['State', { kind: 'text', type: 'state.State', text: row.state }],
    ['URL', plain('string', row.url)],
    ['SwarmOptions', options('*swarm.Options', row.swarmOptions)],
    ['Swarm', plain('string', row.swarm)],
    ['EngineOptions', options('*engine.Options', row.engineOptions)],
    ['Error', plain('string', row.error)],
    ['DockerVersion', plain('string', row.dockerVersion)],
    ['ResponseTime', { kind: 'text', type: 'time.Duration', text: printDuration(row.responseMs) }],
  ]);
}

/** Go's field names where they differ from the stored ones. */
const GO_NAMES: ReadonlyMap<string, string> = new Map([
  ['Dns', 'DNS'],
  ['TlsVerify', 'TLSVerify'],
]);

function options(type: string, value: EngineOptions | SwarmOptions | undefined): GoValue {
  if (value === undefined) return { kind: 'nilPointer', type };
  return struct(
    type,
    Object.entries(value).map(([name, field]): [string, GoValue] => [
      GO_NAMES.get(name) ?? name,
      optionField(field),
    ]),
  );
}

function optionField(value: string | number | boolean | readonly string[] | null): GoValue {
  if (value === null || typeof value === 'object') return plain('[]string', value ?? []);
  if (typeof value === 'number') return { kind: 'text', type: 'int', text: String(value) };
  return plain(typeof value === 'boolean' ? 'bool' : 'string', value);
}

function plain(type: string, value: JsonValue): GoValue {
  return { kind: 'plain', type, value };
}

function struct(type: string, fields: readonly (readonly [string, GoValue])[]): GoValue {
  return { kind: 'struct', type, fields: new Map(fields) };
}
