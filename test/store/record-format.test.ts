import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { StoreError } from '../../src/core/errors.js';
import { makeHostOptions } from '../../src/core/host-options.js';
import { storeLayout } from '../../src/store/layout.js';
import { parseRecord, printRecord, type RecordPlace } from '../../src/store/record-format.js';
import { DEFAULT_REQUEST } from '../support/machine-record.js';

const FIXTURES = new URL('../fixtures/store/', import.meta.url);
const place: RecordPlace = {
  name: 'dev',
  layout: storeLayout('/home/user/.docker/machine', 'linux'),
  platform: 'linux',
};

function fixture(file: string): string {
  return readFileSync(new URL(file, FIXTURES), 'utf8');
}

/** What `parseRecord` throws. */
function refusal(text: string): StoreError {
  try {
    parseRecord(text, place);
  } catch (error) {
    if (error instanceof StoreError) return error;
    throw error;
  }
  throw new Error('the record was read');
}

/** A record with parts replaced. */
function record(changes: object): string {
  return JSON.stringify({ ...JSON.parse(fixture('v3-none.json')), ...changes });
}

describe('a record that docker-machine wrote is written again byte for byte', () => {
  test.each([
    ['v3-virtualbox.json', 'linuxtips'],
    ['v3-virtualbox-windows.json', 'default'],
    ['v3-none.json', 'test'],
    ['v3-generic.json', 'worker'],
  ])('%s', (file, name) => {
    expect(printRecord(parseRecord(fixture(file), { ...place, name }))).toBe(fixture(file));
  });
});

test('a record of a release that had fewer keys gets the missing ones where they belong', () => {
  const early = parseRecord(fixture('v3-virtualbox-early.json'), { ...place, name: 'default' });
  expect(early.driver).toEqual(JSON.parse(fixture('v3-virtualbox-early.json')).Driver);
  const printed = printRecord(early);
  expect(printed.indexOf('"Agent": false')).toBeGreaterThan(printed.indexOf('"Discovery"'));
  expect(printed.indexOf('"Agent": false')).toBeLessThan(printed.indexOf('"Master"'));
});

test('a new machine’s record is what docker-machine would write', () => {
  const name = 'test';
  const layout = storeLayout('/home/user/.docker/machine', 'linux');
  const driver = {
    IPAddress: 'blafasl',
    MachineName: name,
    SSHUser: '',
    SSHPort: 0,
    SSHKeyPath: '',
    StorePath: layout.root,
    SwarmMaster: false,
    SwarmHost: '',
    SwarmDiscovery: '',
    URL: 'http://blafasl',
  };
  const hostOptions = makeHostOptions(layout, name, DEFAULT_REQUEST);
  expect(printRecord({ name, driverName: 'none', driver, hostOptions })).toBe(fixture('v3-none.json'));
});

test('the directory’s name is the machine’s, whatever the file says', () => {
  expect(parseRecord(fixture('v3-none.json'), place).name).toBe('dev');
});

test('keys match in any case, and are written in docker-machine’s', () => {
  const text = fixture('v3-none.json').replaceAll(
    /"(HostOptions|EngineOptions|TlsVerify|Driver|DriverName)":/g,
    (key) => key.toLowerCase(),
  );
  expect(text).toContain('"tlsverify": true');
  const read = parseRecord(text, { ...place, name: 'test' });
  expect(read.hostOptions.EngineOptions.TlsVerify).toBe(true);
  expect(printRecord(read)).toBe(fixture('v3-none.json'));
});

test('the exact spelling of a key wins over another case', () => {
  const read = parseRecord(record({ drivername: 'wrong', DriverName: 'right' }), place);
  expect(read.driverName).toBe('right');
});

test('keys that nobody knows stay in their places at every level', () => {
  const text = fixture('v3-none.json')
    .replace('"DriverName"', '"RawDriver": "e30=",\n    "DriverName"')
    .replace(
      '"URL"',
      '"Extra": {\n            "deep": [\n                1\n            ]\n        },\n        "URL"',
    )
    .replace('"Disk"', '"Unknown": null,\n        "Disk"')
    .replace('"GraphDir"', '"Future": "x",\n            "GraphDir"')
    .replace('"Image"', '"Old": false,\n            "Image"')
    .replace('"CaCertPath"', '"Vault": {},\n            "CaCertPath"');
  expect(printRecord(parseRecord(text, { ...place, name: 'test' }))).toBe(text);
});

test('a changed record keeps the unknown keys', () => {
  const text = fixture('v3-none.json').replace('"GraphDir"', '"Future": "x",\n            "GraphDir"');
  const read = parseRecord(text, { ...place, name: 'test' });
  const changed = {
    ...read,
    hostOptions: {
      ...read.hostOptions,
      EngineOptions: { ...read.hostOptions.EngineOptions, LogLevel: 'debug' },
    },
  };
  expect(printRecord(changed)).toBe(text.replace('"LogLevel": ""', '"LogLevel": "debug"'));
});

test('lists that were never set stay null, empty ones stay empty', () => {
  const { EngineOptions, SwarmOptions } = parseRecord(fixture('v3-none.json'), place).hostOptions;
  expect([EngineOptions.Dns, EngineOptions.Env, SwarmOptions.Env]).toEqual([null, [], null]);
});

test('characters that Go escapes for HTML are escaped', () => {
  const read = parseRecord(record({ Driver: { URL: 'tcp://h/?a=<b>&c\u2028' } }), place);
  expect(printRecord(read)).toContain('"URL": "tcp://h/?a=\\u003cb\\u003e\\u0026c\\u2028"');
});

test('a record without settings of its own gets those of its store', () => {
  const read = parseRecord('{"ConfigVersion": 3, "Driver": {}, "DriverName": "none"}', place);
  expect(read.hostOptions.AuthOptions).toMatchObject({
    CaCertPath: '/home/user/.docker/machine/certs/ca.pem',
    ServerCertPath: '/home/user/.docker/machine/machines/dev/server.pem',
    StorePath: '/home/user/.docker/machine/machines/dev',
  });
});

describe('P27: a broken record is refused with docker-machine’s words', () => {
  const wrapped = 'Error getting migrated host: ';
  test.each([
    ['', 'unexpected end of JSON input'],
    [fixture('v3-none.json').slice(0, 700), 'unexpected end of JSON input'],
    ['\0\0\0\0', "invalid character '\\x00' looking for beginning of value"],
    ['<<<<<<< HEAD', "invalid character '<' looking for beginning of value"],
    ['[]', 'json: cannot unmarshal array into Go value of type host.MetadataV0'],
    ['"x"', 'json: cannot unmarshal string into Go value of type host.MetadataV0'],
    ['7', 'json: cannot unmarshal number into Go value of type host.MetadataV0'],
    ['true', 'json: cannot unmarshal bool into Go value of type host.MetadataV0'],
    [
      record({ ConfigVersion: '3' }),
      'json: cannot unmarshal string into Go struct field MetadataV0.ConfigVersion of type int',
    ],
    [
      record({ HostOptions: { EngineOptions: { Labels: 'a=b' } } }),
      'json: cannot unmarshal string into Go struct field Options.Labels of type []string',
    ],
    [
      record({ ConfigVersion: 4 }),
      'config version is from the future -- you should upgrade your Docker Machine client',
    ],
  ])('%j', (text, detail) => {
    const error = refusal(text);
    expect(error.message).toBe(wrapped + detail);
    expect(error.verbatim).toBe(true);
    expect(error.reason).toBeDefined();
    expect(error.nextSteps).not.toEqual([]);
  });

  test.each([
    '{}',
    'null',
    '{"ConfigVersion": 3}',
    '{"ConfigVersion": 2}',
    '{"ConfigVersion": 3, "Driver": null}',
    '{"Driver": []}',
  ])('%s, on which docker-machine crashes', (text) => {
    expect(refusal(text).message).toMatch(/^The record of the machine "dev" has no /);
  });
});

test('a byte-order mark does not make a record unreadable', () => {
  expect(parseRecord(`\ufeff${fixture('v3-none.json')}`, place).driverName).toBe('none');
});
