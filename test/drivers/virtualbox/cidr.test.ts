import { expect, test } from '@jest/globals';
import {
  cidrOf,
  contains,
  formatAddress,
  formatCidr,
  isHostOf,
  overlaps,
  parseAddress,
  parseCidr,
  prefixOf,
} from '../../../src/drivers/virtualbox/cidr.js';

function cidr(text: string) {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(`${text} is no network`);
  return parsed;
}

test('a network knows its first and last address', () => {
  const { network, broadcast, mask } = cidr('192.168.99.1/24');
  expect([network, broadcast, mask].map(formatAddress)).toEqual([
    '192.168.99.0',
    '192.168.99.255',
    '255.255.255.0',
  ]);
  expect(formatCidr(cidr('10.1.2.3/9'))).toBe('10.1.2.3/9');
  expect(formatAddress(cidr('10.1.2.3/0').broadcast)).toBe('255.255.255.255');
});

test.each(['', '10.0.0.1', '10.0.0/8', '10.0.0.1/33', '10.0.0.256/8', '10.0.0.1/8 ', 'fe80::1/64'])(
  '%j is no network',
  (text) => {
    expect(parseCidr(text)).toBeUndefined();
  },
);

test.each([
  ['255.255.255.0', 24],
  ['255.255.248.0', 21],
  ['0.0.0.0', 0],
  ['255.255.255.255', 32],
  ['255.0.255.0', undefined],
  ['ffffff00', 24],
  ['0f000000', undefined],
  ['', undefined],
])('the mask %s has the length %s', (mask, prefix) => {
  expect(prefixOf(mask)).toBe(prefix);
});

test('networks meet when they share an address', () => {
  expect(overlaps(cidr('192.168.56.1/24'), cidr('192.168.56.200/25'))).toBe(true);
  expect(overlaps(cidr('192.168.56.1/24'), cidr('192.168.57.1/24'))).toBe(false);
  expect(contains(cidr('192.168.56.0/21'), cidr('192.168.63.1/24'))).toBe(true);
  expect(contains(cidr('192.168.56.0/21'), cidr('192.168.64.1/24'))).toBe(false);
  expect(contains(cidr('192.168.56.0/24'), cidr('192.168.56.1/21'))).toBe(false);
  const [first = 0, host = 0] = ['192.168.56.0', '192.168.56.7'].map((it) => parseAddress(it) ?? 0);
  expect([first, host].map((it) => isHostOf(cidrOf(host, 24), it))).toEqual([false, true]);
});
