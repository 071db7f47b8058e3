import { describe, expect, test } from '@jest/globals';
import { formatInspect } from '../../../src/core/format/inspect-format.js';
import { TemplateError } from '../../../src/core/format/template-error.js';
import { recorded } from './recorded.js';

const machine = JSON.parse(recorded.Machine);

/** What a format gives, or the error's text as Go has it. */
function outcome(format: string): { text: string } | { error: string; code: string } {
  try {
    return { text: formatInspect(format, machine) };
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    return { error: error.message, code: error.code };
  }
}

/** Parts of the language that come later, and what their error names. */
const UNSUPPORTED: ReadonlyMap<string, string> = new Map([
  ['{{json (.Driver.CPU)}}', 'a parenthesis'],
  ['{{(.Name}}', 'a parenthesis'],
  ['{{(.Name).X}}', 'a parenthesis'],
  ['{{(.Driver).CPU}}', 'a parenthesis'],
  ['{{.1}}', 'the constant .1'],
  ['{{"x"}}', 'the constant "x"'],
  ["{{'x'}}", "the constant 'x'"],
  ['{{`raw`}}', 'the constant `raw`'],
  ['{{1}}', 'the constant 1'],
  ['{{true}}', 'the constant true'],
  ['{{nil}}', 'the constant nil'],
  ['{{"a\\tb\\u00e9\\"" | json}}', 'the constant "a\\tb\\u00e9\\""'],
  ['{{1 | json}}', 'the constant 1'],
  ['{{json 1 | json}}', 'the constant 1'],
]);

describe("inspect -f prints what Go's text/template prints", () => {
  const supported = recorded.Inspect.filter(({ Template }) => !UNSUPPORTED.has(Template));

  test.each(supported.filter(({ Problem }) => Problem === ''))('$Template', ({ Template, Output }) => {
    expect(outcome(Template)).toEqual({ text: Output });
  });

  test.each(supported.filter(({ Problem }) => Problem !== ''))(
    '$Template is an error: $Problem',
    ({ Template, Problem }) => {
      const parsing = /^template: :\d+: /.test(Problem) ? 'template parsing error: ' : '';
      expect(outcome(Template)).toEqual({ error: `${parsing}${Problem}`, code: 'TEMPLATE_INVALID' });
    },
  );
});

describe('what the language has and we do not is named', () => {
  test.each([
    ...UNSUPPORTED,
    ['{{range .List}}x{{end}}', '"range"'],
    ['{{if .Name}}x{{else}}y{{end}}', '"if"'],
    ['{{with .Name}}x{{end}}', '"with"'],
    ['{{define "x"}}{{end}}', '"define"'],
    ['{{$x := .Name}}', 'variables'],
    ['{{index .Driver "CPU"}}', 'the function "index"'],
    ['{{.Name | len}}', 'the function "len"'],
    ['{{json.Driver}}', 'a field of what json gives'],
  ])('%s: %s', (format, named) => {
    expect(outcome(format)).toEqual({
      error: `template parsing error: template: :1: ${named} cannot be used in a template yet`,
      code: 'TEMPLATE_UNSUPPORTED',
    });
  });
});

test('a bad template ends with exit 1, its text printed as docker-machine prints it', () => {
  expect(() => formatInspect('{{.Name', machine)).toThrow(
    expect.objectContaining({
      message: 'template parsing error: template: :1: unclosed action',
      verbatim: true,
      exitCode: 1,
    }),
  );
});
