import { resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { UsageError } from '../../src/core/errors.js';
import { parseImageLocation } from '../../src/download/image-location.js';

const GITHUB = {
  apiUrl: 'https://api.github.com/repos/o/r/releases',
  webUrl: 'https://github.com/o/r',
  name: 'github.com/o/r',
};
const ENTERPRISE = {
  apiUrl: 'http://ghe.corp:8080/api/v3/repos/o/r/releases',
  webUrl: 'http://ghe.corp:8080/o/r',
  name: 'ghe.corp:8080/o/r',
};

describe('a boot2docker URL flag', () => {
  test.each([
    ['', { kind: 'default' }],
    ['  ', { kind: 'default' }],
    ['https://mirror.corp/b.iso', { kind: 'url', url: 'https://mirror.corp/b.iso' }],
    ['HTTP://mirror.corp/b.iso', { kind: 'url', url: 'HTTP://mirror.corp/b.iso' }],
    ['https://api.github.com/repos/o/r/releases', { kind: 'releases', releases: GITHUB }],
    ['https://api.github.com/repos/o/r/releases/latest', { kind: 'releases', releases: GITHUB }],
    ['http://ghe.corp:8080/api/v3/repos/o/r/releases', { kind: 'releases', releases: ENTERPRISE }],
    ['/images/b.iso', { kind: 'file', path: '/images/b.iso' }],
    ['b.iso', { kind: 'file', path: resolve('b.iso') }],
    ['file:///images/a%20b.iso', { kind: 'file', path: '/images/a b.iso' }],
    ['file:///images/100%.iso', { kind: 'file', path: '/images/100%.iso' }],
    ['file://localhost/images/b.iso', { kind: 'file', path: '/images/b.iso' }],
    ['file:/images/b.iso', { kind: 'file', path: '/images/b.iso' }],
    ['file:b.iso', { kind: 'file', path: resolve('b.iso') }],
    ['FILE:///images/b.iso', { kind: 'file', path: '/images/b.iso' }],
  ])('%j', (text, location) => {
    expect(parseImageLocation(text, 'linux')).toEqual(location);
  });

  test.each([
    ['C:\\Images\\b.iso', 'C:\\Images\\b.iso'],
    ['c:/Images/b.iso', 'c:/Images/b.iso'],
    ["C:\\Users\\Käyttäjä O'Neil X\\b.iso", "C:\\Users\\Käyttäjä O'Neil X\\b.iso"],
    ['\\\\server\\share\\b.iso', '\\\\server\\share\\b.iso'],
    ['file:///C:/Images/a%20b.iso', 'C:\\Images\\a b.iso'],
    ['file://C:/Images/b.iso', 'C:\\Images\\b.iso'],
    ['file://C:\\Images\\b.iso', 'C:\\Images\\b.iso'],
    ['file://server/share/b.iso', '\\\\server\\share\\b.iso'],
    ['file://localhost/C:/Images/b.iso', 'C:\\Images\\b.iso'],
  ])('P11: on Windows %j', (text, path) => {
    expect(parseImageLocation(text, 'win32')).toEqual({ kind: 'file', path });
  });

  test.each(['ftp://mirror.corp/b.iso', 's3://bucket/b.iso', 'https://', 'http://host:port/'])(
    '%j is refused',
    (text) => {
      expect(() => parseImageLocation(text, 'linux')).toThrow(UsageError);
    },
  );

  test('P02: what is refused is shown without its password', () => {
    expect(() => parseImageLocation('ftp://me:secret@mirror/b.iso', 'linux')).toThrow(
      'The boot image cannot be taken from "ftp://me:***@mirror/b.iso"',
    );
  });
});
