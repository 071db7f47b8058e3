import { describe, expect, test } from '@jest/globals';
import { addressOfMac, certificateNames, engineUrl, parseEngineUrl } from '../../src/core/address.js';

const IP_ADDR = `1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    inet 127.0.0.1/8 scope host lo
2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc fq_codel state UP
    link/ether 08:00:27:aa:bb:cc brd ff:ff:ff:ff:ff:ff
    inet 10.0.2.15/24 brd 10.0.2.255 scope global eth0
3: eth1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc fq_codel state UP
    link/ether 08:00:27:11:22:33 brd ff:ff:ff:ff:ff:ff
    inet6 fe80::1/64 scope link
    inet 192.168.99.100/24 brd 192.168.99.255 scope global eth1
`;

describe('addresses', () => {
  test.each(['080027112233', '08:00:27:11:22:33', '08:00:27:11:22:33'.toUpperCase()])(
    'the address of the card %s is the first IPv4 one below its link line',
    (mac) => expect(addressOfMac(IP_ADDR, mac, 'dev')).toBe('192.168.99.100'),
  );

  test('a card without an address fails in the words of docker-machine', () => {
    expect(() => addressOfMac(IP_ADDR, 'ffffffffffff', 'dev')).toThrow(
      'Could not find matching IP for MAC address ffffffffffff',
    );
  });

  test.each([
    { url: 'tcp://192.168.99.100:2376', host: '192.168.99.100', port: 2376 },
    { url: 'tcp://[::1]:2377', host: '::1', port: 2377 },
    { url: 'tcp://host', host: 'host', port: 2376 },
    { url: 'https://host:1/', host: 'host', port: 1 },
  ])('$url is read', ({ url, host, port }) => {
    expect(parseEngineUrl(url)).toEqual({ host, port });
  });

  test.each(['unix:///var/run/docker.sock', 'tcp://', 'host:2376', ''])('%s is no engine URL', (url) => {
    expect(parseEngineUrl(url)).toBeUndefined();
  });

  test('an IPv6 address gets its brackets', () => {
    expect(engineUrl('::1', 2376)).toBe('tcp://[::1]:2376');
  });

  test('P17: a certificate is valid for the address, for loopback and for the name, each once', () => {
    expect(certificateNames('dev', '127.0.0.1', ['dev', 'dev.example'])).toEqual([
      'dev',
      'dev.example',
      '127.0.0.1',
      '::1',
      'localhost',
    ]);
  });
});
