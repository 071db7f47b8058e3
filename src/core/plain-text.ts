import { redactSecrets } from './redact.js';

/** ESC sequences as terminals read them: CSI, OSC (up to BEL or ST) and the two-character ones. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const ESCAPE_SEQUENCES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])/g;
/** C0 and C1 controls but line feed and tab, and the marks that turn the direction of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;

/** Text from outside (a tool, a server, a path) that may be shown: no control characters, no secrets. CRLF becomes LF. */
export function plainText(text: string): string {
  return redactSecrets(text.replaceAll('\r\n', '\n').replace(ESCAPE_SEQUENCES, '').replace(CONTROLS, ''));
}
