const ESC = '\u001b';
const BEL = '\u0007';
/** Terminal control: CSI sequences, OSC sequences with their end, two-character escapes. */
const ESCAPES = new RegExp(
  `${ESC}(?:\\[[0-?]*[ -/]*[@-~]|\\][^${BEL}${ESC}]*(?:${BEL}|${ESC}\\\\)?|[ -/]*[0-~])`,
  'g',
);

/**
 * The last `lines` lines of a guest's console that have something on them, fit for a terminal: control characters are gone, a line that was overwritten
 * shows its last state.
 */
export function lastLines(text: string, lines: number): string {
  const plain = text
    .replace(ESCAPES, '')
    .split(/\r*\n/)
    .map((line) => line.slice(line.lastIndexOf('\r') + 1))
    .map((line) => line.replace(/\p{Cc}/gu, '').trimEnd())
    .filter((line) => line !== '');
  return plain.slice(-lines).join('\n');
}
