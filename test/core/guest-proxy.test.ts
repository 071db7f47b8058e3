import { describe, expect, test } from '@jest/globals';
import type { HostInGuest } from '../../src/core/driver.js';
import { entriesOf, guestNoProxy, guestProxy, proxyPlace } from '../../src/core/guest-proxy.js';

const qemu: HostInGuest = { address: '10.0.2.2', reachesLoopback: true, networks: ['10.0.2.0/24'] };
const hostOnly: HostInGuest = {
  address: '192.168.99.1',
  reachesLoopback: false,
  networks: ['192.168.99.0/24'],
};

describe('P04: a proxy of this computer, as the guest sees it', () => {
  test.each([
    ['http://127.0.0.1:3128', 'http://10.0.2.2:3128'],
    ['http://localhost:3128', 'http://10.0.2.2:3128'],
    ['http://LOCALHOST', 'http://10.0.2.2'],
    ['http://[::1]:3128/', 'http://10.0.2.2:3128/'],
    ['127.8.9.10:8080', 'http://10.0.2.2:8080'],
    ['http://user:p%40ss@127.0.0.1:3128', 'http://user:p%40ss@10.0.2.2:3128'],
    ['http://user:p@ss@localhost:3128', 'http://user:p@ss@10.0.2.2:3128'],
  ])('%s is %s', (setting, url) => {
    expect(guestProxy(setting, '--http-proxy', qemu)).toEqual({ url, rewritten: true });
  });

  test.each([
    ['http://proxy.example:8080', 'http://proxy.example:8080'],
    ['proxy.example:8080', 'http://proxy.example:8080'],
    ['https://10.1.2.3:8443', 'https://10.1.2.3:8443'],
    ['http://localhost.example:1', 'http://localhost.example:1'],
    ['socks5h://proxy.example:1080', 'socks5://proxy.example:1080'],
    ['socks://proxy.example:1080', 'socks5://proxy.example:1080'],
  ])('%s stays with its host: %s', (setting, url) => {
    expect(guestProxy(setting, '--http-proxy', qemu)).toEqual({ url, rewritten: false });
  });

  test('where the guest does not reach the loopback, the address is rewritten and doubted', () => {
    const { url, doubt } = guestProxy('http://me:secret@127.0.0.1:3128', '--http-proxy', hostOnly);
    expect(url).toBe('http://me:secret@192.168.99.1:3128');
    expect(doubt).toContain('let it listen on 192.168.99.1 too');
    expect(doubt).not.toContain('secret');
  });

  test('where the way to this computer is not known, it stays as it is, with a warning', () => {
    const { url, rewritten, doubt } = guestProxy('http://127.0.0.1:3128', '--http-proxy', undefined);
    expect({ url, rewritten }).toEqual({ url: 'http://127.0.0.1:3128', rewritten: false });
    expect(doubt).toContain('means the guest itself there');
  });

  test.each(['socks4://proxy.example:1080', 'ftp://proxy.example', 'http://', 'http://proxy.example/path'])(
    '%s is refused, and the flag is named',
    (setting) => {
      expect(() => guestProxy(setting, '--https-proxy', qemu)).toThrow(
        `The proxy "${setting}" of --https-proxy cannot be used`,
      );
    },
  );

  test('a refusal does not show the password', () => {
    expect(() => guestProxy('ftp://me:secret@proxy.example', '--http-proxy', qemu)).toThrow(
      '***@proxy.example',
    );
  });
});

test("NO_PROXY is the user's list, then the machine's own networks, none twice", () => {
  expect(guestNoProxy('', undefined)).toBe('localhost,127.0.0.1');
  expect(guestNoProxy('.corp.example, 10.0.0.0/8', qemu)).toBe(
    '.corp.example,10.0.0.0/8,localhost,127.0.0.1,10.0.2.0/24',
  );
  expect(guestNoProxy(guestNoProxy('a', qemu), qemu)).toBe(guestNoProxy('a', qemu));
  expect(entriesOf(' a,,b  c,')).toEqual(['a', 'b', 'c']);
});

test('the place of a proxy is its host and port, the usual port where none is named', () => {
  expect(proxyPlace('http://u:p@10.0.2.2')).toEqual({ host: '10.0.2.2', port: 80 });
  expect(proxyPlace('https://proxy.example')).toEqual({ host: 'proxy.example', port: 443 });
  expect(proxyPlace('socks5://[fd00::1]:9')).toEqual({ host: 'fd00::1', port: 9 });
});
