import { afterEach, beforeEach, expect, test } from '@jest/globals';
import * as doctor from '../../src/commands/doctor.js';
import type { DiagnosisParts } from '../../src/core/diagnosis/parts.js';
import { FakeDriver } from '../support/fake-driver.js';
import { FakeProcesses } from '../support/fake-processes.js';
import { type TestApp, testApp } from '../support/test-app.js';
import { runIn } from './command-run.js';

let world: TestApp;

beforeEach(async () => {
  world = await testApp();
});

afterEach(() => world.remove());

function partsWith(driver: FakeDriver): DiagnosisParts {
  return {
    drivers: [driver],
    flagsOf: () => ({ 'fake-memory': 1024 }),
    chooseDriver: async () => ({ name: 'fake', reason: 'it is here.' }),
    processes: new FakeProcesses([], { programs: {} }),
    tcp: { isOpen: async () => true },
    inspectStore: async () => ({
      root: '/store',
      exists: true,
      notWritable: undefined,
      freeMib: undefined,
      locks: [],
    }),
    program: { version: '1.2.3', build: 'abcdef0', runtime: 'Node.js v20.20.0' },
    downloadUrls: [],
  };
}

const REFUSING = () =>
  new FakeDriver({
    findings: [
      {
        severity: 'refuse',
        code: 'NO_HYPERVISOR',
        message: 'not here; it said http://me:secret@proxy:1/ \u001b[31m',
        reason: 'nobody installed it',
        nextSteps: ['install it', 'or ask'],
      },
    ],
  });

test('the report is text to send: headings, verdicts, why and next, no secrets and no control characters; exit 3 when create would not work', async () => {
  const { stdout, status } = await runIn(world, doctor, [], { diagnosis: partsWith(REFUSING()) });
  expect(status).toBe(3);
  expect(stdout).toMatch(
    /^tmachine 1\.2\.3, build abcdef0, Node\.js v20\.20\.0, on linux \w+, \d+ processors, \d+ MB of memory\n\ndrivers\n {2}ok {7}create takes "fake": it is here\.\n/,
  );
  expect(stdout).toContain(
    [
      '  problem  fake: not here; it said http://me:***@proxy:1/ ',
      '           Why   nobody installed it',
      '           Next  install it',
      '                 or ask',
      '',
    ].join('\n'),
  );
  expect(stdout).toMatch(/\n\n"create" would not work here yet: 1 problem, see above\.\n$/);
});

test('exit 0 when create would work', async () => {
  const { stdout, status } = await runIn(world, doctor, [], { diagnosis: partsWith(new FakeDriver()) });
  expect(status).toBe(0);
  expect(stdout).toMatch(/\n\n"create" would work here, with the driver "fake"\.\n$/);
});

test('--json says the same, with the codes', async () => {
  const { stdout, status } = await runIn(world, doctor, ['--json'], { diagnosis: partsWith(REFUSING()) });
  expect(status).toBe(3);
  const report: unknown = JSON.parse(stdout);
  expect(report).toMatchObject({
    version: '1.2.3',
    build: 'abcdef0',
    runtime: 'Node.js v20.20.0',
    platform: 'linux',
    createWorks: false,
    driver: 'fake',
  });
  expect(report).toHaveProperty(
    'checks',
    expect.arrayContaining([
      {
        area: 'drivers',
        verdict: 'problem',
        code: 'NO_HYPERVISOR',
        text: 'fake: not here; it said http://me:***@proxy:1/ ',
        reason: 'nobody installed it',
        nextSteps: ['install it', 'or ask'],
        stopsCreate: true,
      },
      {
        area: 'store',
        verdict: 'ok',
        code: '',
        text: '/store can be written',
        reason: null,
        nextSteps: [],
        stopsCreate: false,
      },
    ]),
  );
});
