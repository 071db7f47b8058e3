import { describe, expect, test } from '@jest/globals';
import { HostNotReadyError, UsageError } from '../../src/core/errors.js';
import { chooseProxy, describeProxy, type ProxySources } from '../../src/core/proxy.js';
import { noProxyEntry } from '../../src/core/proxy-exceptions.js';

const HTTPS = 'https://github.com/boot2docker';
const HTTP = 'http://mirror.corp.example/boot2docker.iso';

function choose(url: string, env: ProxySources['env'], others: Omit<ProxySources, 'env'> = {}) {
  const choice = chooseProxy(url, { env, ...others });
  return `${choice.proxy} <- ${choice.from}`;
}

const pac = (answer: string) => ({ answer, script: 'http://wpad/wpad.dat' });

describe('P01: the environment names the proxy', () => {
  test.each<[string, string, ProxySources['env'], string]>([
    ['nothing set', HTTPS, {}, 'direct <- no proxy set'],
    ['HTTPS_PROXY', HTTPS, { HTTPS_PROXY: 'http://p:1' }, 'http://p:1 <- HTTPS_PROXY'],
    ['lower case', HTTPS, { https_proxy: 'http://p:1' }, 'http://p:1 <- https_proxy'],
    [
      'upper case wins',
      HTTPS,
      { HTTPS_PROXY: 'http://up:1', https_proxy: 'http://low:1' },
      'http://up:1 <- HTTPS_PROXY',
    ],
    [
      'an empty variable is not set',
      HTTPS,
      { HTTPS_PROXY: ' ', https_proxy: 'http://low:1' },
      'http://low:1 <- https_proxy',
    ],
    [
      'http by HTTP_PROXY',
      HTTP,
      { HTTP_PROXY: 'http://h:1', HTTPS_PROXY: 'http://s:1' },
      'http://h:1 <- HTTP_PROXY',
    ],
    ['http not by HTTPS_PROXY', HTTP, { HTTPS_PROXY: 'http://s:1' }, 'direct <- no proxy set'],
    ['ALL_PROXY', HTTPS, { ALL_PROXY: 'socks5h://s:1080' }, 'socks5h://s:1080 <- ALL_PROXY'],
    [
      'the scheme wins over ALL_PROXY',
      HTTP,
      { all_proxy: 'http://a:1', http_proxy: 'http://h:1' },
      'http://h:1 <- http_proxy',
    ],
    [
      'ALL_PROXY before HTTP_PROXY for https',
      HTTPS,
      { ALL_PROXY: 'http://a:1', HTTP_PROXY: 'http://h:1' },
      'http://a:1 <- ALL_PROXY',
    ],
    ['only HTTP_PROXY serves https too', HTTPS, { HTTP_PROXY: 'http://h:1' }, 'http://h:1 <- HTTP_PROXY'],
    ['mixed case, as on Windows', HTTPS, { Https_Proxy: 'http://p:1' }, 'http://p:1 <- HTTPS_PROXY'],
    ['without scheme', HTTPS, { HTTPS_PROXY: 'proxy.corp:8080' }, 'http://proxy.corp:8080 <- HTTPS_PROXY'],
    [
      'without scheme, with login',
      HTTPS,
      { HTTPS_PROXY: 'me:pw@proxy:8080' },
      'http://me:pw@proxy:8080 <- HTTPS_PROXY',
    ],
    [
      'a stray percent sign',
      HTTPS,
      { HTTPS_PROXY: 'http://me:100%@p:1' },
      'http://me:100%25@p:1 <- HTTPS_PROXY',
    ],
    ['an unencoded @', HTTPS, { HTTPS_PROXY: 'http://me:p@ss@p:1' }, 'http://me:p@ss@p:1 <- HTTPS_PROXY'],
  ])('%s', (_, url, env, expected) => {
    expect(choose(url, env)).toBe(expected);
  });
});

describe('P05: exceptions are reached directly', () => {
  const through = 'http://p:1 <- HTTPS_PROXY';
  const direct = 'direct <- NO_PROXY';
  test.each<[string, string, string]>([
    ['https://github.com/', '*', direct],
    ['https://corp.example/', 'corp.example', direct],
    ['https://git.corp.example/', 'corp.example', direct],
    ['https://GIT.Corp.Example/', 'CORP.example', direct],
    ['https://git.corp.example./', 'corp.example', direct],
    ['https://notcorp.example/', 'corp.example', through],
    ['https://git.corp.example/', '.corp.example', direct],
    ['https://corp.example/', '.corp.example', through],
    ['https://git.corp.example/', '*.corp.example', direct],
    ['https://git.corp.example/', 'other, corp.example', direct],
    ['https://git.corp.example/', 'other corp.example', direct],
    ['https://git.corp.example/', 'corp.example:443', direct],
    ['https://git.corp.example:8443/', 'corp.example:443', through],
    ['https://git.corp.example:8443/', 'corp.example:8443', direct],
    ['https://10.1.2.3/', '10.1.2.3', direct],
    ['https://10.1.2.3/', '10.1.2.3:443', direct],
    ['https://10.1.2.3/', '10.1.2.3:80', through],
    ['https://10.1.2.3/', '10.0.0.0/8', direct],
    ['https://11.1.2.3/', '10.0.0.0/8', through],
    ['https://10.1.2.3/', '2.3', through],
    ['https://git.corp.example/', '10.0.0.0/8', through],
    ['https://[fd00::5]/', 'fd00::5', direct],
    ['https://[fd00::5]/', '[fd00:0::0:5]:443', direct],
    ['https://[fd00::5]/', '[fd00::5]:80', through],
    ['https://[fd00::5]/', 'fd00::/8', direct],
    ['https://[fe80::5]/', 'fd00::/8', through],
    ['https://github.com/', ',, ,', through],
  ])('%s with NO_PROXY=%s: %s', (url, exceptions, expected) => {
    expect(choose(url, { HTTPS_PROXY: 'http://p:1', NO_PROXY: exceptions })).toBe(expected);
  });

  test('no_proxy counts too, the upper case form first', () => {
    const env = { HTTPS_PROXY: 'http://p:1', no_proxy: 'github.com' };
    expect(choose(HTTPS, env)).toBe('direct <- no_proxy');
    expect(choose(HTTPS, { ...env, NO_PROXY: 'other' })).toBe('http://p:1 <- HTTPS_PROXY');
  });

  test('NO_PROXY also holds against the flag', () => {
    expect(choose(HTTPS, { NO_PROXY: 'github.com' }, { flag: 'http://f:1' })).toBe('direct <- NO_PROXY');
  });

  test.each([
    'http://localhost:2375/',
    'https://x.localhost/',
    'http://127.0.0.1/',
    'http://127.9.9.9/',
    'http://[::1]/',
  ])('%s never goes through a proxy', (url) => {
    expect(choose(url, { ALL_PROXY: 'http://p:1' }, { flag: 'http://f:1' })).toBe(
      'direct <- loopback address',
    );
  });

  test('a choice tells what goes around it: NO_PROXY always, the exceptions of the system with its own proxy only', () => {
    const env = { no_proxy: 'a.example, 10.0.0.0/8' };
    const system = { https: 'http://sys:2', exceptions: ['<local>', '192.168.*'] };
    const around = (sources: ProxySources) => chooseProxy(HTTPS, sources).exceptions;
    expect(around({ env, system })).toEqual(['a.example', '10.0.0.0/8', '<local>', '192.168.*']);
    expect(around({ env, system, flag: 'http://f:1' })).toEqual(['a.example', '10.0.0.0/8']);
    expect(around({ env: {}, flag: 'http://f:1' })).toBeUndefined();
  });

  test.each([
    ['10.*', '10.0.0.0/8'],
    ['10.20.*', '10.20.0.0/16'],
    ['10.20.30.*', '10.20.30.0/24'],
    ['10.*.*.*', '10.0.0.0/8'],
    ['169.254.0.0/16', '169.254.0.0/16'],
    ['*.corp.example', '.corp.example'],
    ['*corp.example', 'corp.example'],
    ['.corp.example:8080', '.corp.example:8080'],
    ['https://intranet/', 'intranet'],
    ['*', '*'],
    ['::1', '::1'],
    ['[fd00::5]:443', '[fd00::5]:443'],
    ['<local>', undefined],
    ['web*.corp.example', undefined],
    ['*:8080', undefined],
    ['', undefined],
  ])('the exception "%s" of a system is "%s" in NO_PROXY', (exception, entry) => {
    expect(noProxyEntry(exception)).toBe(entry);
  });
});

describe('P01: sources in order', () => {
  const system = { http: 'http://sys:1', https: 'http://sys:2', exceptions: ['*.corp.example'] };
  test.each<[string, string, ProxySources, string]>([
    [
      'flag first',
      HTTPS,
      { flag: 'f:1', env: { HTTPS_PROXY: 'http://e:1' }, pac: pac('PROXY x:1'), system },
      'http://f:1 <- --proxy',
    ],
    [
      'its variable',
      HTTPS,
      { flag: 'f:1', flagFrom: 'MACHINE_PROXY', env: {} },
      'http://f:1 <- MACHINE_PROXY',
    ],
    ['flag "direct"', HTTPS, { flag: 'direct', env: { HTTPS_PROXY: 'http://e:1' } }, 'direct <- --proxy'],
    [
      'then the environment',
      HTTPS,
      { env: { HTTPS_PROXY: 'http://e:1' }, pac: pac('PROXY x:1'), system },
      'http://e:1 <- HTTPS_PROXY',
    ],
    [
      'then the PAC script',
      HTTPS,
      { env: {}, pac: pac('PROXY x:1; DIRECT'), system },
      'http://x:1 <- PAC script',
    ],
    [
      'a PAC answer for HTTPS proxies',
      HTTPS,
      { env: {}, pac: pac('https x:1') },
      'https://x:1 <- PAC script',
    ],
    ['a PAC answer for SOCKS', HTTPS, { env: {}, pac: pac('SOCKS x:1') }, 'socks5h://x:1 <- PAC script'],
    [
      'an unknown PAC entry is passed over',
      HTTPS,
      { env: {}, pac: pac('QUIC x:1; PROXY y:2') },
      'http://y:2 <- PAC script',
    ],
    ['PAC says direct', HTTPS, { env: {}, pac: pac('DIRECT; PROXY y:2') }, 'direct <- PAC script'],
    ['PAC says nothing', HTTPS, { env: {}, pac: pac('') }, 'direct <- PAC script'],
    ['then the system', HTTPS, { env: {}, system }, 'http://sys:2 <- system settings'],
    ['the system for http', 'http://a.example/', { env: {}, system }, 'http://sys:1 <- system settings'],
    ['the system with exceptions', HTTP, { env: {}, system }, 'direct <- system exceptions'],
    ['a system without proxy', HTTPS, { env: {}, system: { exceptions: [] } }, 'direct <- no proxy set'],
  ])('%s', (_, url, { env, ...others }, expected) => {
    expect(choose(url, env, others)).toBe(expected);
  });
});

describe('P02: a proxy setting that cannot work says why, without its password', () => {
  test.each([
    ['http://user:p#ss@proxy:8080', 'http://user:***@proxy:8080'],
    ['http://user:p/ss@proxy:8080', 'http://user:***@proxy:8080'],
    ['user:p ss@proxy:8080', 'user:***@proxy:8080'],
    ['http://CORP\\user:secret@proxy:8080', 'http://CORP\\user:***@proxy:8080'],
    ['http://proxy:port', 'http://proxy:port'],
    ['http://proxy:8080/path', 'http://proxy:8080/path'],
    ['http://', 'http://'],
    ['ftp://me:secret@proxy:21', 'ftp://me:***@proxy:21'],
    ['http://me:%e9t%e9@proxy:8080', 'http://me:***@proxy:8080'],
  ])('%s', (setting, shown) => {
    const attempt = () => chooseProxy(HTTPS, { env: { HTTPS_PROXY: setting } });
    expect(attempt).toThrow(HostNotReadyError);
    expect(attempt).toThrow(`The proxy "${shown}" (HTTPS_PROXY) cannot be used`);
  });

  test.each(['--proxy', 'MACHINE_PROXY'] as const)(
    'a wrong %s is a usage error that names it',
    (flagFrom) => {
      const attempt = () => chooseProxy(HTTPS, { env: {}, flag: 'http://proxy:port', flagFrom });
      expect(attempt).toThrow(UsageError);
      expect(attempt).toThrow(`(${flagFrom}) cannot be used`);
    },
  );
});

describe('P02: secrets are masked', () => {
  test('a choice is described with its origin and without its password', () => {
    const choice = chooseProxy(HTTPS, { env: { https_proxy: 'http://user:pw@proxy:8080' } });
    expect(describeProxy(choice)).toBe('http://user:***@proxy:8080 (https_proxy)');
    expect(describeProxy(chooseProxy(HTTPS, { env: {} }))).toBe('direct (no proxy set)');
  });
});
