import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tinyGuestImage } from './tiny-guest.js';
import type { VirtualBoxLab } from './virtualbox-lab.js';

/** The words of a `create` whose guest does nothing but hear the power button (or not even that): only the name is missing. */
export function createTiny(
  lab: VirtualBoxLab,
  options: { readonly hearsButton?: boolean } = {},
): readonly string[] {
  const { hearsButton = true } = options;
  const image = join(lab.directory, hearsButton ? 'tiny.iso' : 'deaf.iso');
  writeFileSync(image, tinyGuestImage({ volumeId: 'b2d-v29.0.0', hearsButton }));
  return [
    ...['create', '-d', 'virtualbox', '--virtualbox-no-vtx-check', '--virtualbox-memory', '256'],
    ...['--virtualbox-boot2docker-url', image],
  ];
}

/** What VirtualBox knows of when no machine of ours is there. */
export const NOTHING = { machines: [], disks: [], adapters: [], fixedAddresses: [] };
