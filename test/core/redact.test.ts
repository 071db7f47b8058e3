import { describe, expect, test } from '@jest/globals';
import { plainText } from '../../src/core/plain-text.js';
import { redactProxy, redactSecrets, redactUrl } from '../../src/core/redact.js';

/** Passwords that people have, as they type them: few escape anything. */
const AWKWARD = [
  'pw',
  'p@ss',
  'p/w',
  'p@s/w',
  'p?w',
  'p#w',
  'p:w',
  "p'w",
  'p<w>',
  'p%40w',
  'p,w',
  '12/3',
  'p w',
  '***x',
];

describe('P02: a URL that is shown', () => {
  test.each([
    ['http://proxy:8080', 'http://proxy:8080'],
    ['http://user:pw@proxy:8080', 'http://user:***@proxy:8080'],
    ['http://token@host/x', 'http://***@host/x'],
    ['user:pw@proxy:8080', 'user:***@proxy:8080'],
    ['https://host/image@2x.iso', 'https://host/image@2x.iso'],
    ['https://host:8443/npm/@scope/image.iso', 'https://host:8443/npm/@scope/image.iso'],
    ['https://[fd00::1]:8443/image@2x.iso', 'https://[fd00::1]:8443/image@2x.iso'],
    ['https://user:p/w@host/x', 'https://user:***@host/x'],
    ['https://h/x?a=1&X-Amz-Signature=abc&token=d#f', 'https://h/x?a=1&X-Amz-Signature=***&token=***#f'],
    ['http://USER:PASSWORD@HOST:PORT', 'http://USER:PASSWORD@HOST:PORT'],
    ['C:\\images\\boot2docker.iso', 'C:\\images\\boot2docker.iso'],
    ['', ''],
  ])('%s is shown as %s', (url, shown) => {
    expect(redactUrl(url)).toBe(shown);
    expect(redactUrl(shown)).toBe(shown);
  });
});

describe('P02: a proxy setting is shown without its password', () => {
  test.each(AWKWARD)('%s', (password) => {
    for (const scheme of ['http://', 'https://', 'socks5h://', '']) {
      const shown = `${scheme}joe:***@proxy:3128`;
      expect(redactProxy(`${scheme}joe:${password}@proxy:3128`)).toBe(shown);
      expect(redactProxy(shown)).toBe(shown);
    }
  });

  test('an address alone stays', () => {
    expect(redactProxy('proxy:3128')).toBe('proxy:3128');
    expect(redactProxy('direct')).toBe('direct');
  });
});

describe('P02: credentials in a text', () => {
  // Only a password with a space, and one that reads as port and path, go unseen where nothing says that the text is a proxy.
  test.each(AWKWARD.filter((password) => !['12/3', 'p w'].includes(password)))(
    '%s is hidden wherever it stands',
    (password) => {
      for (const place of [
        (login: string) => `HTTP_PROXY=http://${login}@proxy:8080 is set`,
        (login: string) => `HTTP_PROXY=${login}@proxy:8080 is set`,
        (login: string) => `"socks5h://${login}@proxy:8080"`,
        (login: string) => `https://github.com/x,http://${login}@proxy:8080/`,
        (login: string) => `the proxy "${login}@proxy:8080" cannot be used`,
      ]) {
        expect(redactSecrets(place(`joe:${password}`))).toBe(place('joe:***'));
      }
    },
  );

  test.each(AWKWARD)('%s is hidden in a proxy variable', (password) => {
    for (const name of ['HTTP_PROXY', 'https_proxy', 'all_proxy']) {
      for (const scheme of ['http://', '']) {
        const entry = (login: string) => `{"Env":["${name}=${scheme}${login}@proxy:3128"],"x":"y@z"}`;
        expect(redactSecrets(entry(`joe:${password}`))).toBe(entry('joe:***'));
      }
    }
  });

  test.each([
    [
      '{"Env":["HTTP_PROXY=http://joe:a\\"b@proxy"],"x":"y@z"}',
      '{"Env":["HTTP_PROXY=http://joe:***@proxy"],"x":"y@z"}',
    ],
    ['http://joe:p%40ss@h and https://x:y@z', 'http://joe:***@h and https://x:***@z'],
    ['http://DOM\\joe:pw@proxy', 'http://DOM\\joe:***@proxy'],
    ['http://token@proxy', 'http://***@proxy'],
    ['write it as http://USER:PASSWORD@HOST:PORT', 'write it as http://USER:PASSWORD@HOST:PORT'],
    ['https://github.com/a@b', 'https://github.com/a@b'],
    ['https://registry/x?mail=a@b.c', 'https://registry/x?mail=a@b.c'],
    ['https://host/x?token=abc and more', 'https://host/x?token=*** and more'],
    ['docker@192.168.99.100', 'docker@192.168.99.100'],
    ['alpine:3.20@sha256:0123', 'alpine:3.20@sha256:0123'],
    ['C:\\Users\\joe@corp\\x', 'C:\\Users\\joe@corp\\x'],
    ['no url', 'no url'],
  ])('%s -> %s', (text, shown) => {
    expect(redactSecrets(text)).toBe(shown);
    expect(redactSecrets(shown)).toBe(shown);
  });
});

describe('private keys', () => {
  test.each([
    'RSA PRIVATE KEY',
    'PRIVATE KEY',
    'EC PRIVATE KEY',
    'OPENSSH PRIVATE KEY',
    'ENCRYPTED PRIVATE KEY',
  ])('%s is hidden, what stands around it stays', (type) => {
    const text = `a\n-----BEGIN ${type}-----\nMIIE\nabc=\n-----END ${type}-----\nb`;
    expect(redactSecrets(text)).toBe(`a\n-----BEGIN ${type}-----\n***\n-----END ${type}-----\nb`);
  });

  test('a key that is cut off is hidden to the end', () => {
    expect(redactSecrets('x -----BEGIN PRIVATE KEY-----\nMIIE\nabc')).not.toContain('MIIE');
  });

  test('a certificate is no secret', () => {
    const text = '-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----';
    expect(redactSecrets(text)).toBe(text);
  });
});

describe('control characters', () => {
  test.each([
    ['\x1b[31mred\x1b[0m', 'red'],
    ['\x1b]0;title\x07x', 'x'],
    ['\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\', 'link'],
    ['\x1b(B\x1b7x', 'x'],
    ['a\rb', 'ab'],
    ['a\r\nb\tc', 'a\nb\tc'],
    ['a\b\x7f\x00\x9b31mb', 'a31mb'],
    ['abc\u202etxt.exe', 'abctxt.exe'],
    ['Käyttäjä 日本語 😀', 'Käyttäjä 日本語 😀'],
  ])('%j -> %j', (text, expected) => {
    expect(plainText(text)).toBe(expected);
  });
});
