import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { chooseProxy, describeProxy } from '../../src/core/proxy.js';
import { readSystemProxy } from '../../src/host/system-proxy.js';
import { parseGnomeProxy } from '../../src/host/system-proxy-gnome.js';
import { parseScutilProxy } from '../../src/host/system-proxy-macos.js';
import { isPerComputer, parseInternetSettings } from '../../src/host/system-proxy-windows.js';
import { FakeProcesses } from '../support/fake-processes.js';

const recorded = (name: string) =>
  readFile(join(import.meta.dirname, '../fixtures/system-proxy', name), 'utf8');

describe("P01: Windows' Internet Options", () => {
  test('one proxy for all, with exceptions', async () => {
    expect(parseInternetSettings(await recorded('windows-one.txt'))).toEqual({
      name: 'Windows Internet Options',
      http: 'proxy.corp.example:8080',
      https: 'proxy.corp.example:8080',
      exceptions: ['*.corp.example', '10.*', '192.168.*', 'https://intranet', '<local>'],
    });
  });

  test('a proxy for each scheme', async () => {
    expect(parseInternetSettings(await recorded('windows-each.txt'))).toMatchObject({
      http: 'web.corp.example:3128',
      https: 'secure.corp.example:3129',
      socks: 'socks4a://socks.corp.example:1080',
    });
  });

  test('a script; a proxy that is switched off does not count', async () => {
    expect(parseInternetSettings(await recorded('windows-pac.txt'))).toEqual({
      name: 'Windows Internet Options',
      pacUrl: 'http://wpad.corp.example/proxy.pac',
      exceptions: expect.anything(),
    });
  });

  test('nothing set', async () => {
    expect(parseInternetSettings(await recorded('windows-none.txt'))).toBeUndefined();
    expect(parseInternetSettings('')).toBeUndefined();
  });

  test('loopback never joins the proxy, whatever the exceptions say', async () => {
    const output = (await recorded('windows-one.txt')).replace('<local>', '<-loopback>');
    expect(parseInternetSettings(output)?.exceptions).not.toContain('<-loopback>');
  });

  test.each<[string, string]>([
    ['https://github.com/', 'http://proxy.corp.example:8080 (system settings: Windows Internet Options)'],
    ['https://git.corp.example/', 'direct (system exceptions: Windows Internet Options)'],
    ['https://10.1.2.3/', 'direct (system exceptions: Windows Internet Options)'],
    ['https://intranet/', 'direct (system exceptions: Windows Internet Options)'],
    ['http://build-server/', 'direct (system exceptions: Windows Internet Options)'],
    [
      'http://build-server.example/',
      'http://proxy.corp.example:8080 (system settings: Windows Internet Options)',
    ],
    ['https://110.1.2.3/', 'http://proxy.corp.example:8080 (system settings: Windows Internet Options)'],
  ])('%s goes by %s', async (url, expected) => {
    const system = parseInternetSettings(await recorded('windows-one.txt'));
    expect(describeProxy(chooseProxy(url, { env: {}, system }))).toBe(expected);
  });

  test("the computer's settings count where a policy says so", () => {
    expect(isPerComputer('\r\nKEY\r\n    ProxySettingsPerUser    REG_DWORD    0x0\r\n')).toBe(true);
    expect(isPerComputer('\r\nKEY\r\n    ProxySettingsPerUser    REG_DWORD    0x1\r\n')).toBe(false);
    expect(isPerComputer('')).toBe(false);
  });
});

describe('P01: macOS network settings', () => {
  test('a web proxy with exceptions', async () => {
    expect(parseScutilProxy(await recorded('macos-web.txt'))).toEqual({
      name: 'macOS network settings',
      http: '127.0.0.1:8118',
      exceptions: ['*.local', '169.254.0.0/16'],
    });
  });

  test('a proxy for each scheme, and simple names as an exception', async () => {
    const all = ['HTTPS', 'SOCKS'].map(
      (kind) => `  ${kind}Enable : 1\n  ${kind}Port : 90\n  ${kind}Proxy : ${kind}.corp.example\n`,
    );
    const output = (await recorded('macos-web.txt')).replace(
      '  FTPPassive : 1\n',
      `  ExcludeSimpleHostnames : 1\n${all.join('')}`,
    );
    expect(parseScutilProxy(output)).toMatchObject({
      https: 'HTTPS.corp.example:90',
      socks: 'socks5h://SOCKS.corp.example:90',
      exceptions: ['*.local', '169.254.0.0/16', '<local>'],
    });
  });

  test('a script', async () => {
    expect(parseScutilProxy(await recorded('macos-pac.txt'))).toEqual({
      name: 'macOS network settings',
      pacUrl: 'http://wpad.company.com/wpad.dat',
      exceptions: [],
    });
  });

  test('what is switched off does not count', async () => {
    const off = (text: string) => text.replace('Enable : 1', 'Enable : 0');
    expect(parseScutilProxy(off(await recorded('macos-pac.txt')))).toBeUndefined();
    expect(parseScutilProxy(off(await recorded('macos-web.txt')))).toBeUndefined();
    expect(parseScutilProxy('<dictionary> {\n}\n')).toBeUndefined();
  });
});

describe('P01: GNOME settings', () => {
  test('proxies with a login and exceptions', async () => {
    expect(parseGnomeProxy(await recorded('gnome-manual.txt'))).toEqual({
      name: 'GNOME settings',
      http: "http://corp%5Cme:p'w%401@web.corp.example:3128",
      https: 'secure.corp.example:3129',
      socks: 'socks5h://socks.corp.example:1080',
      exceptions: [
        'localhost',
        '*.localhost',
        '127.0.0.0/8',
        '::1',
        'corp.example',
        '*.corp.example',
        'dev.example',
        '*.dev.example',
        "it's",
      ],
    });
  });

  test('https goes through the HTTP proxy, with its login, when it has none of its own or the same', async () => {
    const manual = await recorded('gnome-manual.txt');
    const login = "http://corp%5Cme:p'w%401@web.corp.example:3128";
    const without = manual.replace("https host 'secure.corp.example'", "https host ''");
    expect(parseGnomeProxy(without)?.https).toBe(login);
    expect(parseGnomeProxy(without.replace('use-same-proxy true', 'use-same-proxy false'))?.https).toBe(
      login,
    );
    const same = manual
      .replace("https host 'secure.corp.example'", "https host 'web.corp.example'")
      .replace('https port 3129', 'https port 3128');
    expect(parseGnomeProxy(same)?.https).toBe(login);
  });

  test('a script', async () => {
    expect(parseGnomeProxy(await recorded('gnome-auto.txt'))).toEqual({
      name: 'GNOME settings',
      pacUrl: 'http://wpad.corp.example/proxy.pac',
      exceptions: [],
    });
  });

  test('nothing set', async () => {
    expect(parseGnomeProxy(await recorded('gnome-none.txt'))).toBeUndefined();
    expect(parseGnomeProxy('No such schema')).toBeUndefined();
  });
});

describe("P01: the settings are read by the system's own tools", () => {
  const reporter = {
    step: () => undefined,
    warn: () => undefined,
    debug: (line: string) => void lines.push(line),
    progress: () => ({ update: () => undefined, end: () => undefined }),
  };
  const lines: string[] = [];
  const call = { reporter, signal: new AbortController().signal };

  test('Windows: a policy first, then the settings that it leaves in force', async () => {
    const reg = 'C:\\Windows\\System32\\reg.exe';
    const processes = new FakeProcesses([
      {
        file: reg,
        args: ['query', 'HKLM\\Software\\Policies\\Microsoft\\Windows\\CurrentVersion\\Internet Settings'],
        result: { status: 1, stderr: 'reg: Unable to find the specified registry key' },
      },
      {
        file: reg,
        args: ['query', 'HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings'],
        result: { stdout: await recorded('windows-pac.txt') },
      },
    ]);
    const facts = { platform: 'win32', env: { SystemRoot: 'C:\\Windows' } } as const;
    expect(await readSystemProxy({ facts, processes }, call)).toMatchObject({
      pacUrl: 'http://wpad.corp.example/proxy.pac',
    });
    processes.verify();
  });

  test('macOS: a tool that fails is no setting', async () => {
    const processes = new FakeProcesses([
      { file: '/usr/sbin/scutil', args: ['--proxy'], error: new Error('no such program') },
    ]);
    const facts = { platform: 'darwin', env: {} } as const;
    expect(await readSystemProxy({ facts, processes }, call)).toBeUndefined();
    expect(lines).toEqual(["the system's proxy settings cannot be read: no such program"]);
  });

  test('Linux: only in a desktop session', async () => {
    const processes = new FakeProcesses([
      {
        file: 'gsettings',
        args: ['list-recursively', 'org.gnome.system.proxy'],
        result: { stdout: await recorded('gnome-auto.txt') },
      },
    ]);
    const asked = (env: Record<string, string>) =>
      readSystemProxy({ facts: { platform: 'linux', env }, processes }, call);
    expect(await asked({})).toBeUndefined();
    expect(await asked({ XDG_CURRENT_DESKTOP: 'GNOME' })).toMatchObject({ name: 'GNOME settings' });
    processes.verify();
  });
});
