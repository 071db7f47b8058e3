import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { integerField, stringField } from '../../core/base-driver.js';
import { messageOf, StoreError } from '../../core/errors.js';
import { isJsonObject, type JsonObject } from '../../core/json.js';
import type { ProcessIdentity } from '../../core/ports.js';
import { readConsoleSince } from './console.js';
import { LAST_CONSOLE_FILE, runFiles, runIdOf } from './files.js';
import type { QemuPorts } from './ports.js';
import { MONITOR_USER, type MonitorAddress } from './qmp.js';

/**
 * One start of QEMU, as it is kept in the machine's directory: written before QEMU is started, so that none is ever unknown, and again with
 * its process once there is one.
 */
export interface Run {
  readonly id: string;
  readonly sshPort: number;
  readonly enginePort: number;
  /** 0: the control connection is a Unix socket. */
  readonly monitorPort: number;
  /** The tmachine that starts it. */
  readonly launcher: ProcessIdentity | undefined;
  /** Milliseconds since 1970. */
  readonly begunAt: number;
  /** Absent while it is being started, or when its launcher was killed at that moment. */
  readonly process?: ProcessIdentity;
}

const MOST_CONSOLE_BYTES = 2 ** 20;

/** Throws StoreError when the record cannot be written: then nothing may be started. */
export async function saveRun(directory: string, run: Run, ports: QemuPorts): Promise<void> {
  const { record } = runFiles(directory, run.id);
  const temporary = `${record}.new`;
  try {
    await writeFile(temporary, `${JSON.stringify(run)}\n`, { mode: 0o600 });
    await ports.files.replace(temporary, record);
  } catch (error) {
    await ports.files.discard(temporary);
    if (error instanceof StoreError) throw error;
    throw new StoreError({
      code: 'STORE_WRITE',
      message: `Could not write ${record}`,
      reason: messageOf(error),
      nextSteps: ["look at the free space and the owner of the machine's directory"],
      cause: error,
    });
  }
}

/** Every start that has left files here, in no order. A record that cannot be read still names its files by its id. */
export async function listRuns(directory: string): Promise<Run[]> {
  const names = await readdir(directory).catch(() => []); // no directory, no runs
  const ids = new Set(names.map(runIdOf).filter((id) => id !== undefined));
  return Promise.all([...ids].map((id) => readRun(directory, id)));
}

async function readRun(directory: string, id: string): Promise<Run> {
  const unknown = { id, sshPort: 0, enginePort: 0, monitorPort: 0, launcher: undefined, begunAt: 0 };
  try {
    const stored: unknown = JSON.parse(await readFile(runFiles(directory, id).record, 'utf8'));
    if (!isJsonObject(stored)) return unknown;
    const process = parseProcess(stored['process']);
    return {
      id,
      sshPort: integerField(stored, 'sshPort'),
      enginePort: integerField(stored, 'enginePort'),
      monitorPort: integerField(stored, 'monitorPort'),
      launcher: parseProcess(stored['launcher']),
      begunAt: integerField(stored, 'begunAt'),
      ...(process && { process }),
    };
  } catch {
    return unknown; // no record, or a damaged one
  }
}

function parseProcess(stored: unknown): ProcessIdentity | undefined {
  if (!isJsonObject(stored)) return undefined;
  const pid = integerField(stored, 'pid');
  return pid > 0 ? { pid, startedAt: stringField(stored, 'startedAt') } : undefined;
}

/** What QEMU has written as its own process number, or undefined. */
export async function readPidFile(directory: string, id: string): Promise<number | undefined> {
  const text = await readFile(runFiles(directory, id).pid, 'utf8').catch(() => '');
  const pid = Number.parseInt(text, 10);
  return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
}

/** Deletes what a run that has ended left behind; its console stays as the last one, for whoever asks why it ended. */
export async function discardRun(directory: string, id: string): Promise<void> {
  const files = runFiles(directory, id);
  await keepConsole(files.console, join(directory, LAST_CONSOLE_FILE)).catch(() => {}); // there may be none
  for (const path of [files.console, files.pid, files.socket, files.keys, files.output, files.record]) {
    await removePatiently(path);
  }
  await removePatiently(`${files.record}.new`);
}

/** A machine that ran for months may have said much: of that the end is kept. */
async function keepConsole(from: string, to: string): Promise<void> {
  const { size } = await stat(from);
  if (size <= MOST_CONSOLE_BYTES) await rename(from, to);
  else await writeFile(to, await readConsoleSince(from, 0), { mode: 0o600 });
}

/** Deletes a file or a directory; nothing when it is gone. On Windows a scanner may hold it for a moment (P08). Throws StoreError. */
export async function removePatiently(path: string): Promise<void> {
  // Node heeds `maxRetries` only together with `recursive`.
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  } catch (error) {
    throw new StoreError({
      code: 'QEMU_FILE_HELD',
      message: `Could not delete "${path}"`,
      reason: messageOf(error),
      nextSteps: [
        'close the program that uses it, or give yourself the right to delete it, and run the command again',
      ],
      cause: error,
    });
  }
}

/** Where this run's QEMU listens. */
export async function monitorOf(
  directory: string,
  run: Pick<Run, 'id' | 'monitorPort'>,
  ports: QemuPorts,
): Promise<MonitorAddress> {
  if (run.monitorPort === 0) {
    return {
      kind: 'unix',
      directory,
      fileName: `qemu-${run.id}.sock`,
      temporaryDirectory: ports.facts.temporaryDirectory,
    };
  }
  const text = await readFile(join(runFiles(directory, run.id).keys, KEY_FILE), 'utf8').catch(() => '');
  const [, key = ''] = text.trim().split(':');
  return { kind: 'tls', port: run.monitorPort, key: Buffer.from(key, 'hex') };
}

/** QEMU looks for its keys under this name. */
export const KEY_FILE = 'keys.psk';

/** The line that QEMU reads from it. */
export function keyFileText(key: Uint8Array): string {
  return `${MONITOR_USER}:${Buffer.from(key).toString('hex')}\n`;
}

/** QEMU's answer to query-status, as one word. */
export function statusWord(answer: JsonObject): string {
  return stringField(answer, 'status');
}
