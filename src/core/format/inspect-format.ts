import type { JsonValue } from '../json.js';
import { renderTemplate, type TemplateFunction } from './evaluate.js';
import { goJson } from './go-json.js';
import { fromJson, type GoValue } from './go-value.js';
import { parseTemplate } from './parser.js';
import { TemplateError } from './template-error.js';

const FUNCTIONS: ReadonlyMap<string, TemplateFunction> = new Map([
  ['json', (value) => goJson(jsonOf(value))],
  ['prettyjson', (value) => goJson(jsonOf(value), '    ')],
]);

/**
 * The answer of `inspect -f FORMAT` without its line end. `machine` is config.json, whose key names the format uses.
 * Throws TemplateError with the contract's text.
 */
export function formatInspect(format: string, machine: JsonValue): string {
  return renderTemplate(parsed(format), fromJson(machine), FUNCTIONS);
}

function parsed(format: string) {
  try {
    return parseTemplate(format, new Set(FUNCTIONS.keys()));
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new TemplateError(`template parsing error: ${error.message}`, error);
  }
}

function jsonOf(value: GoValue): JsonValue {
  return value.kind === 'plain' ? value.value : null;
}
