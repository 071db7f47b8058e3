import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

// scripts/prepare.mjs with an apt-get of its own: one that writes down what it was told, and makes the program on success.

const asRoot = process.getuid?.() === 0 ? test : test.skip;
const source = join(import.meta.dirname, '..', '..', 'scripts', 'prepare.mjs');

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'prepare-'));
  chmodSync(folder, 0o777);
  // A copy, because the project may be where other users cannot read.
  cpSync(source, join(folder, 'prepare.mjs'));
  mkdirSync(join(folder, 'bin'));
  chmodSync(join(folder, 'bin'), 0o777);
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function program(name: string, body: string): void {
  writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${body}\n`);
  chmodSync(join(folder, 'bin', name), 0o755);
}

/** An apt-get whose first `failures` installations fail. */
function aptGet(failures: number): void {
  program(
    'apt-get',
    `echo "$(id -u) apt-get $*" >>"${folder}/log"
case "$*" in install*)
  [ "$(grep -c 'apt-get install' "${folder}/log")" -gt ${failures} ] || exit 100
  printf '#!/bin/sh\\n' >"${folder}/bin/frobnicate"; chmod 755 "${folder}/bin/frobnicate";;
esac`,
  );
}

function ensure({ yes = false, uid }: { readonly yes?: boolean; readonly uid?: number }): {
  readonly output: string;
  readonly calls: readonly string[];
} {
  const code = `
import { ensureDebianPackages } from './prepare.mjs';
const list = [{ name: 'frob', command: 'frobnicate', use: 'frobnicates the tests' }];
console.log(JSON.stringify(ensureDebianPackages(list, { yes: ${yes} }).map(({ name }) => name)));`;
  const result = spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: `${join(folder, 'bin')}:/usr/bin:/bin` },
    ...(uid === undefined ? {} : { uid }),
  });
  expect(result.stderr).toBe('');
  const log = join(folder, 'log');
  return {
    output: result.stdout,
    calls: existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n') : [],
  };
}

const INSTALL = 'apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=120 frob';

describe('Debian packages that the tests need', () => {
  test('nothing is done when the program is there', () => {
    aptGet(0);
    program('frobnicate', '');
    expect(ensure({ yes: true })).toEqual({ output: '[]\n', calls: [] });
  });

  asRoot('as root they are installed, after saying so', () => {
    aptGet(0);
    expect(ensure({})).toEqual({
      output: 'Installing Debian packages: frob ...\n[]\n',
      calls: [`0 ${INSTALL}`],
    });
  });

  asRoot('the index is fetched only when the first try fails', () => {
    aptGet(1);
    expect(ensure({}).calls).toEqual([`0 ${INSTALL}`, '0 apt-get update -q', `0 ${INSTALL}`]);
  });

  asRoot('when it fails for good, the tests that are skipped are named', () => {
    aptGet(9);
    expect(ensure({}).output).toBe(`Installing Debian packages: frob ...
Not installed: frob (env DEBIAN_FRONTEND=noninteractive ${INSTALL} ended with 100).
  tests are skipped that need frob: frobnicates the tests
["frob"]
`);
  });

  asRoot('as another user nothing is installed without -y, and the command is said', () => {
    aptGet(0);
    expect(ensure({ uid: 12345 })).toEqual({
      output: `Not installed: frob (run as root, or with -y to let sudo do it: sudo apt-get install frob).
  tests are skipped that need frob: frobnicates the tests
["frob"]
`,
      calls: [],
    });
  });

  asRoot('as another user with -y sudo does it', () => {
    aptGet(0);
    program('sudo', `echo "sudo $*" >>"${folder}/log"; exec "$@"`);
    expect(ensure({ uid: 12345, yes: true })).toMatchObject({
      output: 'Installing Debian packages: frob ...\n[]\n',
      calls: [`sudo env DEBIAN_FRONTEND=noninteractive ${INSTALL}`, `12345 ${INSTALL}`],
    });
  });
});
