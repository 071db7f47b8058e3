import { describe, expect, test } from '@jest/globals';
import { createNoneDriver } from '../../../src/drivers/none/driver.js';
import { driverContract } from '../../contract/driver-contract.js';

const MACHINE = { name: 'dev', storePath: '/store' };
const driver = createNoneDriver();

driverContract(
  'none',
  async () => ({
    driver,
    flags: { url: 'tcp://10.1.2.3:2376' },
    badFlags: [{ url: '' }, { url: 'tcp://x\u0007' }],
    disk: async () => ({ imagePath: '', head: new Uint8Array() }),
    close: async () => {},
  }),
  { powerControl: false },
);

test('the flag', () => {
  expect(driver.options).toEqual([
    { name: 'url', type: 'string', default: '', help: 'URL of host when no driver is selected' },
  ]);
});

test('the record is docker-machine\u2019s', () => {
  const { config, extra } = driver.parseOptions({ url: 'tcp://50.134.234.20:2376' }, MACHINE);
  expect(JSON.stringify(config)).toBe(
    '{"IPAddress":"50.134.234.20:2376","MachineName":"dev","SSHUser":"","SSHPort":0,"SSHKeyPath":"","StorePath":"/store","SwarmMaster":false,"SwarmHost":"","SwarmDiscovery":"","URL":"tcp://50.134.234.20:2376"}',
  );
  expect(extra).toEqual({});
});

test.each([
  ['tcp://10.1.2.3:2376', '10.1.2.3', 2376],
  ['tcp://[fe80::1]:2375', 'fe80::1', 2375],
  ['https://engine.example', 'engine.example', 2376],
  ['unix:///var/run/docker.sock', '', 0],
])('%s is where the engine is', (url, host, port) => {
  const settings = driver.parseOptions({ url }, MACHINE);
  expect(driver.endpoint({ ...MACHINE, directory: '/store/machines/dev', settings })).toEqual({
    address: { kind: 'known', host },
    enginePort: port,
    guestEnginePort: port,
    url,
  });
});

test('without a URL the contract\u2019s sentence', () => {
  expect(() => driver.parseOptions({ url: '' }, MACHINE)).toThrow(
    '--url option is required when no driver is selected',
  );
});

describe('power', () => {
  test.each([
    ['start', 'hosts without a driver cannot be started'],
    ['stop', 'hosts without a driver cannot be stopped'],
    ['restart', 'hosts without a driver cannot be restarted'],
    ['kill', 'hosts without a driver cannot be killed'],
  ] as const)('%s', (action, sentence) => {
    expect(driver.powerRefusal(action)).toBe(sentence);
  });
});
