import { expect, test } from '@jest/globals';
import { guestPackageBeside, readGuestDigests } from '../../src/download/guest-package.js';

const [NEW, OLD] = ['a'.repeat(64), 'b'.repeat(64)];

test('the package is looked for beside ours, and only the image of this release is taken', () => {
  expect(guestPackageBeside('/usr/lib/node_modules/tmachine/dist/start-x.cjs', [NEW, OLD])).toEqual([
    { path: '/usr/lib/node_modules/tmachine-guest/boot2docker.iso', digest: NEW },
  ]);
});

test('nothing is looked for from a checkout, or in a release that knows no image', () => {
  expect(guestPackageBeside('/home/me/tmachine/dist/start-x.cjs', [NEW])).toEqual([]);
  expect(guestPackageBeside('/usr/lib/node_modules/tmachine/dist/start-x.cjs', [])).toEqual([]);
});

test('digests are the first words of the lines that are no comments', () => {
  expect(readGuestDigests(`# about\n${NEW} Docker 26.1.5\n\n${OLD}\n${NEW}0 too long\n`)).toEqual([NEW, OLD]);
});
