import { expect, test } from '@jest/globals';
import { programName } from '../../src/cli/program-name.js';

test.each([
  ['node', '/usr/local/bin/tmachine', 'linux', 'tmachine'],
  ['node', '/usr/local/bin/docker-machine', 'linux', 'docker-machine'],
  ['node', '/src/bin/run.cjs', 'linux', 'tmachine'],
  ['/usr/bin/node', undefined, 'darwin', 'tmachine'],
  ['docker-machine', '/ignored', 'darwin', 'docker-machine'],
  ['./docker-machine', undefined, 'linux', 'docker-machine'],
  ['node', 'C:\\Users\\me\\AppData\\Roaming\\npm\\node_modules\\tmachine\\bin\\run.cjs', 'win32', 'tmachine'],
  [
    'C:\\Program Files\\Docker Toolbox\\docker-machine.exe',
    'x',
    'win32',
    'C:\\Program Files\\Docker Toolbox\\docker-machine.exe',
  ],
  ['tmachine', undefined, 'win32', 'tmachine'],
  ['TMACHINE.EXE', undefined, 'win32', 'TMACHINE.EXE'],
])('called as argv0 %p and script %p on %s, the program calls itself %p', (argv0, script, platform, name) => {
  expect(programName(argv0, script, platform)).toBe(name);
});
