import { describe, expect, test } from '@jest/globals';
import { plainText } from '../../src/core/plain-text.js';
import { redactSecrets, redactUrl } from '../../src/core/redact.js';

describe('credentials in URLs', () => {
  test.each([
    ['http://joe:secret@proxy:8080', 'http://***@proxy:8080'],
    ['HTTP_PROXY=http://joe:secret@proxy:8080/ is set', 'HTTP_PROXY=http://***@proxy:8080/ is set'],
    ['socks5h://a@b', 'socks5h://***@b'],
    ['http://joe:p@ss@proxy:8080/a', 'http://***@proxy:8080/a'],
    ['http://joe:p%40ss@h and https://x:y@z', 'http://***@h and https://***@z'],
    ['http://DOM\\joe:pw@proxy', 'http://***@proxy'],
    ['"http://joe:secret@proxy"', '"http://***@proxy"'],
    ['https://github.com/a@b', 'https://github.com/a@b'],
    ['https://registry/x?mail=a@b.c', 'https://registry/x?mail=a@b.c'],
    ['docker@192.168.99.100', 'docker@192.168.99.100'],
    ['no url', 'no url'],
  ])('%s -> %s', (text, expected) => {
    expect(redactUrl(text)).toBe(expected);
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
