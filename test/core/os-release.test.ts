import { expect, test } from '@jest/globals';
import { chooseProvisioner, parseOsRelease } from '../../src/core/os-release.js';
import { createProvisioners } from '../../src/provisioners/index.js';

const provisioners = createProvisioners({ boot2dockerProfile: '' });

test('os-release is read with and without quotes; values may hold "="; other lines are passed over', () => {
  expect(
    parseOsRelease(
      `NAME=Boot2Docker\r\nID=boot2docker\nID_LIKE='tcl'\n# comment\nPRETTY_NAME="A=B (TCL 11)"\nbroken\n`,
    ),
  ).toEqual({ ID: 'boot2docker', ID_LIKE: 'tcl', VERSION_ID: '', PRETTY_NAME: 'A=B (TCL 11)' });
});

test('a boot2docker guest gets its provisioner', () => {
  expect(chooseProvisioner(provisioners, parseOsRelease('ID=boot2docker')).name).toBe('boot2docker');
});

test('an unknown system is named together with the systems that are known', () => {
  expect(() => chooseProvisioner(provisioners, parseOsRelease('ID=plan9\nPRETTY_NAME="Plan 9"'))).toThrow(
    expect.objectContaining({
      message: 'OS type not recognized',
      reason: 'the guest calls itself "Plan 9" (ID=plan9)',
      nextSteps: ['systems known: boot2docker'],
    }),
  );
});
