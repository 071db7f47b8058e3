import { TmachineError } from '../errors.js';

/** A template that cannot be read or filled in, in the words of Go's text/template. Exit 1. */
export class TemplateError extends TmachineError {
  constructor(
    message: string,
    details: { readonly code?: string; readonly nextSteps?: readonly string[] } = {},
  ) {
    super({
      code: details.code ?? 'TEMPLATE_INVALID',
      message,
      verbatim: true,
      nextSteps: details.nextSteps ?? [],
    });
  }
}

/** `template: :2: text`: where Go's parser stopped. */
export function parseError(text: string, offset: number, problem: string): TemplateError {
  return new TemplateError(`template: :${lineOf(text, offset)}: ${problem}`);
}

/** A part of Go's template language that is not here. */
export function unsupported(text: string, offset: number, what: string): TemplateError {
  return new TemplateError(`template: :${lineOf(text, offset)}: ${what} cannot be used in a template yet`, {
    code: 'TEMPLATE_UNSUPPORTED',
    nextSteps: ['use field paths such as {{.Name}}, or --json and a JSON tool'],
  });
}

/** `template: :1:2: executing "" at <.Nope>: text`: what went wrong when the template was filled in. */
export function executionError(
  text: string,
  node: { readonly offset: number; readonly source: string },
  problem: string,
): TemplateError {
  const lineStart = text.lastIndexOf('\n', node.offset - 1) + 1;
  const column = new TextEncoder().encode(text.slice(lineStart, node.offset)).length;
  return new TemplateError(
    `template: :${lineOf(text, node.offset)}:${column}: executing "" at <${node.source}>: ${problem}`,
  );
}

function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}
