import { type App, type Call, driverMachine } from '../app.js';
import { sharesFolders } from '../driver.js';
import { GuestError } from '../errors.js';
import type { MachineRecord } from '../machine.js';
import { chooseProvisioner, parseOsRelease } from '../os-release.js';
import type { GuestShell } from '../ports.js';

/**
 * Mounts in the guest the directories that its machine shares, and looks whether each shows what this computer has there: an empty directory without a
 * word was docker-machine's way (P31). A folder that the user named throws GuestError; of the usual one it is a warning, since nobody may need it.
 */
export async function mountSharedFolders(
  app: App,
  record: MachineRecord,
  shell: GuestShell,
  call: Call,
): Promise<void> {
  const driver = app.driver(record.driverName);
  if (!sharesFolders(driver)) return;
  const folders = await driver.sharedFolders(driverMachine(app, record));
  if (folders.length === 0) return;
  const os = parseOsRelease((await shell.run('cat /etc/os-release')).stdout);
  const provisioner = chooseProvisioner(app.provisioners, os);
  if (provisioner.mountFolder === undefined) return;
  for (const folder of folders) {
    const problem = await provisioner.mountFolder(shell, folder);
    if (problem === undefined) continue;
    const message = `The shared folder ${JSON.stringify(folder.hostPath)} cannot be used in "${record.name}"`;
    if (!folder.isAsked) {
      call.reporter.warn(`(${record.name}) ${message}: ${problem}`);
      continue;
    }
    throw new GuestError({
      code: 'SHARE_NOT_MOUNTED',
      message,
      reason: `it was to be mounted at ${folder.guestPath}: ${problem}`,
      nextSteps: [
        `look at it there:  tmachine ssh ${record.name} ls -la ${folder.guestPath}`,
        'an image without the module vboxsf cannot mount it: take another boot2docker image',
      ],
    });
  }
}
