import { basename, dirname, join } from 'node:path';
import type { GuestPackage } from './image-source.js';

/** Of the npm package that carries the boot image, for networks where only an npm mirror is reachable. */
const PACKAGE = 'tmachine-guest';

/**
 * The image of `tmachine-guest` when it is installed in the same node_modules as we are, whether or not it is there; none when we are
 * installed in no node_modules. `bundleFile` is a file of our dist. Of the digests the first is that of the image which belongs to this
 * release: nothing else is ever taken from there.
 */
export function guestPackageBeside(bundleFile: string, digests: readonly string[]): readonly GuestPackage[] {
  const modules = dirname(dirname(dirname(bundleFile)));
  const [digest] = digests;
  if (basename(modules) !== 'node_modules' || digest === undefined) return [];
  return [{ path: join(modules, PACKAGE, 'boot2docker.iso'), digest }];
}

/** The digests in the text of templates/guest-digests: the first word of each line that is no comment. */
export function readGuestDigests(text: string): readonly string[] {
  return text.split('\n').flatMap((line) => /^[0-9a-f]{64}(?= |$)/.exec(line)?.[0] ?? []);
}
