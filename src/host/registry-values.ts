/**
 * The values directly in the key that `reg query KEY` was asked for, by their names in lower case (Windows does not care for case).
 * Numbers (REG_DWORD) stay as they are printed: `0x1`. Lines of the form `    NAME    TYPE    VALUE`, as documented in
 * https://learn.microsoft.com/windows-server/administration/windows-commands/reg-query
 */
export function parseRegistryValues(output: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const line of output.split(/\r?\n/)) {
    const match = /^ {4}(.+?) {4}REG_[A-Z_]+(?: {4}(.*))?$/.exec(line);
    if (match?.[1] !== undefined) values.set(match[1].toLowerCase(), (match[2] ?? '').trim());
  }
  return values;
}
