import { commented, type Dialect } from './dialect.js';

/** Emacs Lisp. Characters outside ASCII are escaped, so that Emacs need not guess how the output is encoded. */
export const emacs: Dialect = {
  set: (name, value) => `(setenv "${name}" "${escaped(value)}")`,
  unset: (name) => `(setenv "${name}" nil)`,
  hint: (commandLine) =>
    commented(';;', `(with-temp-buffer (shell-command "${commandLine}" (current-buffer)) (eval-buffer))`),
  failure: '(error "No environment was printed")',
};

function escaped(value: string): string {
  return value.replace(/["\\]/g, '\\$&').replace(/[^ -~]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
  });
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}
