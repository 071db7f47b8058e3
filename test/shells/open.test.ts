import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { msysEnvironment, shellToOpen, withoutForeignAllProxy } from '../../src/shells/open.js';

describe('the shell to open', () => {
  test.each([
    ['linux', 'zsh', { SHELL: '/usr/local/bin/zsh' }, '/usr/local/bin/zsh', []],
    ['linux', 'bash', { SHELL: '/usr/bin/fish' }, 'bash', []],
    ['darwin', 'powershell', { SHELL: '/bin/zsh' }, 'pwsh', []],
    ['win32', 'cmd', { ComSpec: 'C:\\Windows\\system32\\cmd.exe' }, 'C:\\Windows\\system32\\cmd.exe', []],
    ['win32', 'powershell', {}, 'powershell', ['-NoLogo']],
    ['win32', 'powershell', { POWERSHELL_DISTRIBUTION_CHANNEL: 'MSI:Windows 10' }, 'pwsh', ['-NoLogo']],
    ['win32', 'bash', { SHELL: '/usr/bin/bash' }, 'bash', ['--login', '-i']],
  ] as const)('on %s, when %s is in use', (platform, shell, env, file, args) => {
    expect(shellToOpen(shell, { platform, env })).toEqual({ file, args });
  });
});

describe('P26: in a shell of MSYS', () => {
  const variables = Object.fromEntries(
    msysEnvironment({ platform: 'win32', env: { MSYSTEM: 'MINGW64' } }).map(({ name, value }) => [
      name,
      value,
    ]),
  );

  test('docker gets its arguments as they were typed, and only docker', () => {
    const directory = mkdtempSync(join(tmpdir(), 'tm-msys-'));
    try {
      for (const program of ['docker.exe', 'other.exe']) {
        const path = join(directory, program);
        writeFileSync(path, '#!/bin/sh\necho "$0: $MSYS_NO_PATHCONV $MSYS2_ARG_CONV_EXCL [$1] [$2]"\n');
        chmodSync(path, 0o755);
      }
      const env = { PATH: `${directory}:${process.env['PATH']}`, ...variables };
      const said = execFileSync('bash', ['-c', 'docker -v "/c/Users/A B:/data"; other.exe x'], {
        env,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      expect(said.replaceAll(`${directory}/`, '').split('\n')).toEqual([
        'docker.exe: 1 * [-v] [/c/Users/A B:/data]',
        'other.exe:   [x] []',
        '',
      ]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test('elsewhere nothing is set', () => {
    expect(msysEnvironment({ platform: 'win32', env: {} })).toEqual([]);
    expect(msysEnvironment({ platform: 'linux', env: { MSYSTEM: 'MINGW64' } })).toEqual([]);
  });
});

test('ALL_PROXY stays when it is a SOCKS proxy', () => {
  expect(withoutForeignAllProxy({ env: { ALL_PROXY: 'socks5h://p:1', all_proxy: 'http://p:1' } })).toEqual([
    { name: 'all_proxy', value: undefined },
  ]);
});
