/**
 * Actions write `tmachine start dev`; who has the program as `docker-machine` shall be able to paste the line too. Each `tmachine` that
 * stands before one of `commandNames` or an option becomes the name in `programName`. Pure.
 */
export function asCalled(text: string, programName: string, commandNames: readonly string[]): string {
  const command = new RegExp(
    `(?<=^|[\\s("])tmachine(?= (?:-{1,2}[a-z]|(?:${commandNames.join('|')})\\b))`,
    'gm',
  );
  return text.replace(command, () => shownName(programName));
}

/** The last part of the path by which the program was called, on Windows without its ending. */
export function shownName(programName: string): string {
  return (programName.split(/[\\/]/).at(-1) ?? '').replace(/\.(exe|cmd)$/i, '');
}
