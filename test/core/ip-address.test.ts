import { expect, test } from '@jest/globals';
import { isInRange, isLoopback, parseIpAddress } from '../../src/core/ip-address.js';

test.each([
  ['10.0.0.1', 0x0a000001n, 32],
  ['255.255.255.255', 0xffffffffn, 32],
  ['::', 0n, 128],
  ['::1', 1n, 128],
  ['[::1]', 1n, 128],
  ['fe80::1%eth0', (0xfe80n << 112n) + 1n, 128],
  ['1:2:3:4:5:6:7:8', 0x00010002000300040005000600070008n, 128],
  ['::ffff:10.0.0.1', 0x0a000001n, 32],
  ['64:ff9b::10.0.0.1', (0x64n << 112n) + (0xff9bn << 96n) + 0x0a000001n, 128],
])('%s is an address', (text, value, bits) => {
  expect(parseIpAddress(text)).toEqual({ value, bits });
});

test.each([
  'host',
  '',
  '10.0.0',
  '10.0.0.256',
  '10.0.0.1.2',
  '1.2.3.4:80',
  ':::',
  '1::2::3',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4:5:6:7::8:9',
  'fe80::g',
  '::10.0.0.300',
])('%j is no address', (text) => {
  expect(parseIpAddress(text)).toBeUndefined();
});

test.each([
  ['192.168.99.100', '192.168.99.0/24', true],
  ['192.168.98.100', '192.168.99.0/24', false],
  ['192.168.63.255', '192.168.56.0/21', true],
  ['192.168.64.0', '192.168.56.0/21', false],
  ['8.8.8.8', '0.0.0.0/0', true],
  ['10.0.0.1', '10.0.0.1/32', true],
  ['fd12::1', 'fd00::/8', true],
  ['fe80::1', 'fd00::/8', false],
  ['10.0.0.1', 'fd00::/8', false],
  ['10.0.0.1', '10.0.0.0/33', false],
  ['10.0.0.1', '10.0.0.0/', false],
  ['10.0.0.1', '10.0.0.1', false],
])('%s in %s: %j', (text, range, inside) => {
  const address = parseIpAddress(text);
  expect(address !== undefined && isInRange(address, range)).toBe(inside);
});

test.each([
  ['127.0.0.1', true],
  ['127.8.9.10', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['128.0.0.1', false],
  ['::2', false],
])('%s is loopback: %j', (text, loopback) => {
  const address = parseIpAddress(text);
  expect(address !== undefined && isLoopback(address)).toBe(loopback);
});
