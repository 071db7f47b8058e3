/** What the systems' own tools say of a process's start, as one text that another process with the same number would not have. */

/**
 * `/proc/PID/stat`: the start in clock ticks since boot (field 22), and whether it is a zombie. The name in parentheses may hold
 * anything, also parentheses: fields are counted from the last one (proc(5)). Undefined when the text is no such line.
 */
export function parseProcStat(
  stat: string,
): { readonly startTicks: string; readonly isZombie: boolean } | undefined {
  const fields = stat
    .slice(stat.lastIndexOf(')') + 1)
    .trim()
    .split(' ');
  const [state] = fields;
  const startTicks = fields[19];
  if (state === undefined || startTicks === undefined || !/^\d+$/.test(startTicks)) return undefined;
  return { startTicks, isZombie: state === 'Z' || state === 'X' };
}

/**
 * `ps -o lstart=,stat= -p PID` in the C locale and UTC, as macOS prints it: `Mon May  5 15:14:23 2026     S+`. Undefined when there is
 * no such process.
 */
export function parsePsLine(
  output: string,
): { readonly startedAt: string; readonly isZombie: boolean } | undefined {
  const match = /^\s*(\w{3} \w{3} +\d{1,2} \d\d:\d\d:\d\d \d{4})\s+(\S+)/m.exec(output);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return { startedAt: match[1].replace(/ +/g, ' '), isZombie: match[2].startsWith('Z') };
}

/** What PowerShell is asked: one line `2026-11-21T02:10:12.1234567Z`, or nothing when there is no such process. */
export function powerShellQuery(pid: number): string {
  return `Get-CimInstance Win32_Process -Filter 'ProcessId=${pid}' -Property CreationDate | ForEach-Object { $_.CreationDate.ToUniversalTime().ToString('o') }`;
}

/** Milliseconds since 1970 of a line in .NET's round-trip format, which has seven digits after the second. */
export function parseRoundTripTime(output: string): number | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,7})?Z\s*$/m.exec(output);
  if (match === null) return undefined;
  return Date.parse(`${match[1]}Z`) + Math.floor(Number(`0${match[2] ?? '.0'}`) * 1000);
}

/**
 * Milliseconds since 1970 of `wmic process where ProcessId=N get CreationDate /value`: `CreationDate=20260505151423.123456+120`, a
 * CIM_DATETIME with its distance from UTC in minutes.
 */
export function parseWmicTime(output: string): number | undefined {
  const match = /CreationDate=(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)\.(\d{6})([+-]\d{3})/.exec(output);
  if (match === null) return undefined;
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0, micro = 0, offset = 0] = match
    .slice(1)
    .map(Number);
  return Date.UTC(year, month - 1, day, hour, minute - offset, second) + Math.floor(micro / 1000);
}
