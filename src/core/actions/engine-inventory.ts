import type { GuestShell } from '../ports.js';

/** What an engine has on its disk, as far as an upgrade may lose it (P39). */
export interface EngineInventory {
  readonly storageDriver: string;
  readonly images: number;
  readonly containers: number;
}

/** Asks the engine inside the guest, without certificates; undefined when it, or its client there, does not answer. */
export async function engineInventory(shell: GuestShell): Promise<EngineInventory | undefined> {
  const asked = await shell.run(
    "sudo docker -H unix:///var/run/docker.sock info --format '{{.Driver}} {{.Images}} {{.Containers}}'",
    [],
    { timeoutMs: 60_000 },
  );
  const [, storageDriver, images, containers] = /^(\S+) (\d+) (\d+)$/m.exec(asked.stdout) ?? [];
  if (asked.status !== 0 || storageDriver === undefined) return undefined;
  return { storageDriver, images: Number(images), containers: Number(containers) };
}

/** What was there before and is not after, in sentences. Nothing when either is not known. */
export function whatIsMissing(
  before: EngineInventory | undefined,
  after: EngineInventory | undefined,
): readonly string[] {
  if (before === undefined || after === undefined) return [];
  return [
    ...(before.storageDriver === after.storageDriver
      ? []
      : [
          `The engine keeps its data by ${after.storageDriver} now, it was ${before.storageDriver}: what was made before is still on the disk, but not seen.`,
        ]),
    ...fewer('images', before.images, after.images),
    ...fewer('containers', before.containers, after.containers),
  ];
}

function fewer(what: string, before: number, after: number): readonly string[] {
  return after >= before ? [] : [`The engine sees ${after} ${what}, it was ${before} before the upgrade.`];
}
