import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import {
  parseProcStat,
  parsePsLine,
  parseRoundTripTime,
  parseWmicTime,
  powerShellQuery,
} from '../../src/host/process-times.js';

function fixture(name: string): string {
  return readFileSync(new URL(`../fixtures/process-times/${name}`, import.meta.url), 'utf8');
}

test('/proc: the start is field 22, whatever the program is called', () => {
  expect(parseProcStat(fixture('proc-stat-sleep.txt'))).toEqual({ startTicks: '576446', isZombie: false });
  expect(parseProcStat(fixture('proc-stat-odd-name.txt'))).toEqual({ startTicks: '576450', isZombie: false });
});

test('/proc: a zombie is told by its state, not by its name', () => {
  const zombie = fixture('proc-stat-odd-name.txt').replace(') S ', ') Z ');
  expect(parseProcStat(zombie)).toEqual({ startTicks: '576450', isZombie: true });
});

test('/proc: anything else is no process', () => {
  for (const text of ['', '7107 (sleep)', '7107 (sleep) S 1 2', 'x'.repeat(100)]) {
    expect(parseProcStat(text)).toBeUndefined();
  }
});

test('ps: start and state, from procps and from macOS', () => {
  expect(parsePsLine(fixture('ps-lstart.txt'))).toEqual({
    startedAt: 'Sat Nov 21 04:01:51 2026',
    isZombie: false,
  });
  expect(parsePsLine(fixture('ps-lstart-macos.txt'))).toEqual({
    startedAt: 'Mon May 5 15:14:23 2026',
    isZombie: false,
  });
  expect(parsePsLine(fixture('ps-lstart-macos.txt').replace('S+', 'Z'))?.isZombie).toBe(true);
  expect(parsePsLine('\n')).toBeUndefined();
});

test('PowerShell: the documented round-trip format, to the millisecond', () => {
  expect(parseRoundTripTime(fixture('powershell-round-trip.txt'))).toBe(
    Date.UTC(2009, 5, 15, 13, 45, 30, 617),
  );
  expect(parseRoundTripTime('2009-06-15T13:45:30Z\r\n')).toBe(Date.UTC(2009, 5, 15, 13, 45, 30));
  for (const text of ['', '2009-06-15T13:45:30.6175425-07:00', '15.06.2009 13:45:30']) {
    expect(parseRoundTripTime(text)).toBeUndefined();
  }
});

test('PowerShell: the query holds the number and nothing else of the caller’s', () => {
  expect(powerShellQuery(42)).toContain("-Filter 'ProcessId=42'");
});

test('wmic: a CIM_DATETIME with its distance from UTC', () => {
  const expected = Date.UTC(2026, 4, 5, 13, 14, 23, 123);
  expect(parseWmicTime(fixture('wmic-creation-date.txt'))).toBe(expected);
  expect(parseWmicTime('CreationDate=20260505061423.123456-420')).toBe(expected);
  expect(parseWmicTime('No Instance(s) Available.\r\n')).toBeUndefined();
});
