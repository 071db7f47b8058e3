import { fieldOf, type GoValue, printValue } from './go-value.js';
import type { Operand, Template, TemplateCommand } from './parser.js';
import { executionError } from './template-error.js';

/** A function of one argument that templates may call. */
export type TemplateFunction = (argument: GoValue) => string;

/** The text of a template filled in with `data`. Throws TemplateError in Go's words; nothing is printed half. */
export function renderTemplate(
  template: Template,
  data: GoValue,
  functions: ReadonlyMap<string, TemplateFunction>,
): string {
  return template.nodes
    .map((node) => {
      if (node.kind === 'text') return node.text;
      let value: GoValue | undefined;
      for (const command of node.pipeline) value = run(command, value);
      return value === undefined ? '' : printValue(value);
    })
    .join('');

  /** `piped` is the value of the command before, which comes as the last argument. */
  function run(command: TemplateCommand, piped: GoValue | undefined): GoValue {
    const [first, ...rest] = command.operands;
    if (first === undefined) return { kind: 'none' };
    const argumentCount = rest.length + (piped === undefined ? 0 : 1);
    if (first.kind === 'function') return call(first, rest, piped, argumentCount);
    if (argumentCount > 0) {
      const problem =
        first.kind === 'path' && first.fields.length > 0
          ? `${first.fields.at(-1)} is not a method but has arguments`
          : `can't give argument to non-function ${first.source}`;
      throw executionError(template.text, first, problem);
    }
    return valueOfOperand(first);
  }

  function call(
    name: Operand & { readonly kind: 'function' },
    operands: readonly Operand[],
    piped: GoValue | undefined,
    argumentCount: number,
  ): GoValue {
    if (argumentCount !== 1) {
      const problem = `wrong number of args for ${name.name}: want 1 got ${argumentCount}`;
      throw executionError(template.text, name, problem);
    }
    const [operand] = operands;
    const argument = operand === undefined ? piped : valueOfOperand(operand);
    const text = functions.get(name.name)?.(argument ?? { kind: 'none' }) ?? '';
    return { kind: 'plain', type: 'string', value: text };
  }

  function valueOfOperand(operand: Operand): GoValue {
    if (operand.kind === 'dot') return data;
    if (operand.kind === 'function') return call(operand, [], undefined, 0);
    let value = data;
    for (const name of operand.fields) {
      const field = fieldOf(value, name);
      if (typeof field === 'string') throw executionError(template.text, operand, field);
      value = field;
    }
    return value;
  }
}
