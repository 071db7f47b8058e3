/** The user's own directory and the variable that holds it. */
export interface HomeDirectory {
  readonly variable: string;
  readonly path: string;
}

/** How one kind of shell writes what `env` has to say. Values hold no line ends: those are refused before. */
export interface Dialect {
  /** The line that gives a variable its value. Evaluating it sets exactly this value, whatever characters it holds. */
  set(name: string, value: string, home?: HomeDirectory): string;
  unset(name: string): string;
  /** Ends a line when the next one is of the other kind; none where every line ends by itself. */
  readonly separator?: string;
  /** The two lines that tell the user how to evaluate the output; `commandLine` is one line of plain text. */
  hint(commandLine: string): readonly string[];
  /** A statement that fails, so that a script which evaluates the output of a failed `env` notices (P36). */
  readonly failure: string;
}

const ADVICE = 'Run this command to configure your shell: ';

/** The hint in a shell whose comments begin with `mark`. */
export function commented(mark: string, command: string): readonly string[] {
  return [`${mark} ${ADVICE}`, `${mark} ${command}`];
}

/** Every byte as `\ooo`: nothing is left that a shell could split, expand or match. For `printf`. */
export function octalCodes(value: string): string {
  return Array.from(new TextEncoder().encode(value), (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join(
    '',
  );
}
