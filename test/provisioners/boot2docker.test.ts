import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import type { EngineOptions } from '../../src/core/machine.js';
import type { EnginePlan } from '../../src/core/provisioner.js';
import { createBoot2DockerProvisioner } from '../../src/provisioners/boot2docker.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const provisioner = createBoot2DockerProvisioner(
  readFileSync(join(root, 'templates', 'boot2docker-profile'), 'utf8'),
);

const engine: EngineOptions = {
  ArbitraryFlags: [],
  Dns: null,
  GraphDir: '',
  Env: [],
  Ipv6: false,
  InsecureRegistry: [],
  Labels: [],
  LogLevel: '',
  StorageDriver: '',
  SelinuxEnabled: false,
  TlsVerify: true,
  RegistryMirror: [],
  InstallURL: '',
};

function profile(options: Partial<EngineOptions>): string {
  const plan: EnginePlan = {
    machineName: 'dev',
    driverName: 'virtualbox',
    engine: { ...engine, ...options },
    port: 2376,
    ca: 'CA',
    serverCertificate: 'CERT',
    serverKey: 'KEY',
  };
  return provisioner.engineFiles(plan).find((file) => file.path.endsWith('/profile'))?.content ?? '';
}

/** What a POSIX shell makes of the profile: the words of EXTRA_ARGS and one exported variable. */
function sourced(text: string, variable: string): { words: string[]; value: string } {
  const script = `${text}\nset -f\nfor word in $EXTRA_ARGS; do printf '%s\\n' "$word"; done; printf 'VALUE=%s' "$${variable}"`;
  const result = spawnSync('sh', ['-c', script], { encoding: 'utf8', env: {} });
  const [words = '', value = ''] = result.stdout.split('VALUE=');
  return { words: words.split('\n').filter(Boolean), value };
}

describe('boot2docker provisioner', () => {
  test("the profile is docker-machine's, byte for byte, when no value needs escaping", () => {
    expect(
      profile({
        Labels: ['l=1'],
        InsecureRegistry: ['reg:5000'],
        RegistryMirror: ['http://mir'],
        ArbitraryFlags: ['log-level=debug'],
        Env: ['HTTP_PROXY=http://p:8080'],
      }),
    ).toBe(
      [
        '',
        "EXTRA_ARGS='",
        '--label l=1',
        '--label provider=virtualbox',
        '--insecure-registry reg:5000',
        '--registry-mirror http://mir',
        '--log-level=debug',
        '',
        "'",
        'CACERT=/var/lib/boot2docker/ca.pem',
        "DOCKER_HOST='-H tcp://0.0.0.0:2376'",
        'DOCKER_STORAGE=overlay2',
        'DOCKER_TLS=auto',
        'SERVERKEY=/var/lib/boot2docker/server-key.pem',
        'SERVERCERT=/var/lib/boot2docker/server.pem',
        '',
        'export "HTTP_PROXY=http://p:8080"',
        '',
      ].join('\n'),
    );
  });

  test.each(["it's", '$HOME', '`id`', '"quoted"', 'back\\slash', '$(id)', 'Käyttäjä'])(
    'the value %s reaches the engine as it was given',
    (value) => {
      const text = profile({ Labels: [`l=${value}`], Env: [`PROXY=${value} and more`] });
      expect(sourced(text, 'PROXY')).toEqual({
        words: ['--label', `l=${value}`, '--label', 'provider=virtualbox'],
        value: `${value} and more`,
      });
    },
  );

  test('keys are for root alone', () => {
    const modes = provisioner
      .engineFiles({
        machineName: 'dev',
        driverName: 'qemu',
        engine,
        port: 2376,
        ca: '',
        serverCertificate: '',
        serverKey: '',
      })
      .map(({ path, mode }) => [path, mode.toString(8)]);
    expect(modes).toEqual([
      ['/var/lib/boot2docker/ca.pem', '644'],
      ['/var/lib/boot2docker/server.pem', '644'],
      ['/var/lib/boot2docker/server-key.pem', '600'],
      ['/var/lib/boot2docker/profile', '600'],
    ]);
  });
});
