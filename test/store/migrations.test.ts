import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { storeLayout } from '../../src/store/layout.js';
import { parseRecord, printRecord, type StoredRecord } from '../../src/store/record-format.js';

const FIXTURES = new URL('../fixtures/store/', import.meta.url);

function migrated(file: string, name: string, platform: 'linux' | 'win32' = 'linux'): StoredRecord {
  const root = platform === 'win32' ? 'D:\\elsewhere' : '/elsewhere';
  const text = readFileSync(new URL(file, FIXTURES), 'utf8');
  return parseRecord(text, { name, layout: storeLayout(root, platform), platform });
}

describe('version 0', () => {
  test('flat settings become options', () => {
    const { hostOptions } = migrated('v0-flat.json', 'old');
    expect(hostOptions.EngineOptions).toMatchObject({
      TlsVerify: true,
      InstallURL: 'https://get.docker.com',
      Labels: null,
    });
    expect(hostOptions.SwarmOptions).toMatchObject({
      Discovery: 'token://abc',
      Host: 'tcp://0.0.0.0:3376',
      Master: true,
      Image: '',
      Strategy: '',
    });
    expect(hostOptions.AuthOptions).toMatchObject({
      CaCertPath: '/home/user/.docker/machine/certs/ca.pem',
      CaPrivateKeyPath: '/home/user/.docker/machine/certs/ca-key.pem',
      ServerCertPath: '/home/user/.docker/machine/machines/old/server.pem',
      ServerKeyPath: '/home/user/.docker/machine/machines/old/server-key.pem',
      ClientCertPath: '/home/user/.docker/machine/certs/cert.pem',
      ClientKeyPath: '/home/user/.docker/machine/certs/key.pem',
    });
  });

  test('the record’s own store path is kept, which docker-machine loses', () => {
    const { hostOptions, driver } = migrated('v0-flat.json', 'old');
    expect(hostOptions.AuthOptions).toMatchObject({
      CertDir: '/home/user/.docker/machine/certs',
      StorePath: '/home/user/.docker/machine',
    });
    expect(driver['StorePath']).toBe('/home/user/.docker/machine');
  });

  test('the flat keys are gone from what is written', () => {
    expect(printRecord(migrated('v0-flat.json', 'old'))).not.toMatch(/"(PrivateKeyPath|SwarmDiscovery)"/);
    expect(Object.keys(JSON.parse(printRecord(migrated('v0-flat.json', 'old'))))).toEqual([
      'ConfigVersion',
      'Driver',
      'DriverName',
      'HostOptions',
      'Name',
    ]);
  });

  test('paths that a release 0.2 record keeps in its options are not emptied', () => {
    const { hostOptions, driver, driverName } = migrated('v0-virtualbox.json', 'dev');
    expect(hostOptions.AuthOptions).toMatchObject({
      CaPrivateKeyPath: '/Users/user/.docker/machine/certs/ca-key.pem',
      ServerKeyPath: '/Users/user/.docker/machine/certs/server-key.pem',
      CertDir: '/Users/user/.docker/machine/certs',
    });
    expect(driverName).toBe('virtualbox');
    expect(driver).toMatchObject({ CPU: -1, SSHPort: 53507, StorePath: '/Users/user/.docker/machine' });
  });
});

describe('version 1', () => {
  test('the authority’s key and the certificates’ directory get their names', () => {
    const { hostOptions } = migrated('v1-virtualbox.json', 'foobar');
    expect(hostOptions.AuthOptions).toMatchObject({
      CaPrivateKeyPath: '/Users/user/.docker/machine/certs/ca-key.pem',
      CertDir: '/Users/user/.docker/machine/certs',
      StorePath: '/Users/user/.docker/machine',
      ServerCertSANs: null,
    });
    expect(hostOptions.EngineOptions.InstallURL).toBe('https://get.docker.com');
    expect(hostOptions.SwarmOptions.Strategy).toBe('spread');
  });

  test('a record that does not name its store is in the one where it was found', () => {
    const text = readFileSync(new URL('v1-virtualbox.json', FIXTURES), 'utf8').replace(
      /,\s*"StorePath": "[^"]+foobar"\s*}/,
      '}',
    );
    const layout = storeLayout('/elsewhere', 'linux');
    const read = parseRecord(text, { name: 'foobar', layout, platform: 'linux' });
    expect(read.hostOptions.AuthOptions.CertDir).toBe('/elsewhere/certs');
    expect(read.driver['StorePath']).toBe('/elsewhere');
  });
});

describe('version 2', () => {
  test('the driver learns the store, its keys come out sorted', () => {
    const read = migrated('v2-virtualbox.json', 'default');
    expect(JSON.stringify(read.driver)).toBe(
      '{"MachineName":"default","StorePath":"/Users/user/.docker/machine"}',
    );
    expect(read.hostOptions.AuthOptions.StorePath).toBe('/Users/user/.docker/machine/machines/default');
  });

  test('keys of the driver that nobody knows are kept, and sorted by their bytes', () => {
    const text =
      '{"ConfigVersion": 2, "Driver": {"b": 1, "a": 2, "Z": 0.5, "StorePath": "/old"}, "StorePath": "/s/machines/x"}';
    const read = parseRecord(text, { name: 'x', layout: storeLayout('/s', 'linux'), platform: 'linux' });
    expect(JSON.stringify(read.driver)).toBe('{"StorePath":"/s","Z":0.5,"a":2,"b":1}');
  });
});

test('a Windows record’s store is found by Windows’ rules', () => {
  const text =
    '{"ConfigVersion": 1, "Driver": {}, "StorePath": "C:\\\\Users\\\\user\\\\.docker\\\\machine\\\\machines\\\\dev"}';
  const read = parseRecord(text, { name: 'dev', layout: storeLayout('D:\\x', 'win32'), platform: 'win32' });
  expect(read.hostOptions.AuthOptions.CertDir).toBe('C:\\Users\\user\\.docker\\machine\\certs');
});
