import type { GuestShell } from '../core/ports.js';
import type { MountableFolder } from '../core/provisioner.js';

const MOUNT_MS = 60_000;
/** The folder is mounted, and what this computer has in it is not there. */
const NOT_SEEN = 3;

/**
 * Arguments: device, directory, the name of something in it. Linux' own vboxsf takes `nls`, the one of the guest additions `iocharset`. A directory that the
 * guest has mounted by itself is only looked at; /proc/mounts writes a blank as \040.
 */
const MOUNT = `place=$(printf %s "$2" | sed 's/\\\\/\\\\134/g; s/ /\\\\040/g')
is_mounted() { cut -d' ' -f2,3 /proc/mounts | grep -qxF "$place vboxsf"; }
if ! is_mounted; then
  sudo mkdir -p "$2" || exit 1
  owner="uid=$(id -u),gid=$(id -g)"
  sudo mount -t vboxsf -o "nls=utf8,$owner" "$1" "$2" 2>/dev/null ||
    sudo mount -t vboxsf -o "iocharset=utf8,$owner" "$1" "$2" || exit 1
fi
[ -z "$3" ] || [ -e "$2/$3" ] || exit ${NOT_SEEN}`;

/** Mounts one shared folder of VirtualBox; safe to run twice. Returns what is wrong, or undefined. */
export async function mountVboxsf(shell: GuestShell, folder: MountableFolder): Promise<string | undefined> {
  const { name, guestPath, sample } = folder;
  const { status, stderr } = await shell.run(MOUNT, [name, guestPath, sample], { timeoutMs: MOUNT_MS });
  if (status === 0) return undefined;
  if (status === NOT_SEEN)
    return `it is mounted, and "${sample}", which this computer has in it, is not there`;
  return stderr.trim().split('\n').at(-1) || `mount ended with exit code ${status}`;
}
