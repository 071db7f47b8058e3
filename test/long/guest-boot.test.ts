import { describe, test } from '@jest/globals';
import { bootCheck } from '../support/guest-boot.js';

describe('the guest image, in QEMU without hardware virtualisation', () => {
  test.each([
    ['seeded', 'starts once with what is on the disk, keeps it over restarts, and leaves no key on the disk'],
    ['stock', 'without its mark ignores a seed, and is provisioned over SSH as docker-machine does it'],
    ['two-cards', 'gives a card the address of the seed, and the other one a lease'],
    ['small-disk', 'works on a disk of 1 GB with 384 MB of memory'],
    ['power-cut', 'loses nothing when the power fails at any moment of the first start'],
    ['foreign-disks', 'touches no disk that is not for it'],
    ['bad-seed', 'takes from a seed only what a seed may carry'],
  ])('%s: %s', (name) => bootCheck(name));
});
