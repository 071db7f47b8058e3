import type { Check, Diagnosis } from '../core/diagnosis/check.js';
import { plainText } from '../core/plain-text.js';

const VERDICT_WIDTH = 'problem'.length;
const INDENT = ' '.repeat(VERDICT_WIDTH + 4);

/**
 * The report as text that can be sent to somebody: a line for each check below the heading of its area, why and what next where something is to
 * be done, and in the last line whether `create` would work. No colour, no control characters, no secrets; ends with a line end.
 */
export function renderDiagnosis(heading: string, diagnosis: Diagnosis): string {
  const lines = [heading];
  let area: string | undefined;
  for (const check of diagnosis.checks) {
    if (check.area !== area) lines.push('', check.area);
    area = check.area;
    lines.push(...linesOf(check));
  }
  return plainText(`${[...lines, '', conclusion(diagnosis)].join('\n')}\n`);
}

function linesOf({ verdict, text, reason, nextSteps }: Check): string[] {
  return [
    `  ${verdict.padEnd(VERDICT_WIDTH)}  ${indented(text, INDENT)}`,
    ...(reason === undefined || reason === '' ? [] : [labelled('Why', reason)]),
    ...(nextSteps.length === 0 ? [] : [labelled('Next', nextSteps.join('\n'))]),
  ];
}

function labelled(label: string, text: string): string {
  const before = `${INDENT}${label.padEnd(6)}`;
  return `${before}${indented(text, ' '.repeat(before.length))}`;
}

function indented(text: string, indent: string): string {
  return text.trimEnd().replaceAll('\n', `\n${indent}`);
}

function conclusion({ createWorks, driverName, checks }: Diagnosis): string {
  const count = checks.filter(({ verdict }) => verdict === 'problem').length;
  const problems = count === 1 ? '1 problem' : `${count} problems`;
  if (!createWorks) return `"create" would not work here yet: ${problems}, see above.`;
  const rest = count === 0 ? '' : ` ${problems} elsewhere, see above.`;
  return `"create" would work here, with the driver "${driverName}".${rest}`;
}
