import { createServer, type Server } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { SystemLoopbackPorts } from '../../src/host/loopback-ports.js';

const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

async function taken(host: string): Promise<number> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

for (const platform of ['linux', 'darwin'] as const) {
  test(`${platform}: a port is not free while somebody listens, on the loopback address or on all`, async () => {
    const ports = new SystemLoopbackPorts(platform);
    expect(await ports.isFree(await taken('127.0.0.1'))).toBe(false);
    expect(await ports.isFree(await taken('0.0.0.0'))).toBe(false);
  });

  test(`${platform}: a port that was let go is free and preferred`, async () => {
    const port = await taken('127.0.0.1');
    await new Promise((resolve) => servers.pop()?.close(resolve));
    const ports = new SystemLoopbackPorts(platform);
    expect(await ports.isFree(port)).toBe(true);
    expect(await ports.free(port)).toBe(port);
  });
}

test('a preferred port that is taken is replaced by another', async () => {
  const port = await taken('127.0.0.1');
  const other = await new SystemLoopbackPorts('linux').free(port);
  expect(other).not.toBe(port);
  expect(other).toBeGreaterThan(0);
});

test('no port is handed out twice, not even as the preferred one', async () => {
  const ports = new SystemLoopbackPorts('linux');
  const first = await ports.free();
  expect(await ports.free(first)).not.toBe(first);
  const many = await Promise.all(Array.from({ length: 50 }, () => ports.free()));
  expect(new Set(many).size).toBe(50);
});

test('a port that this user may not listen on is not free', async () => {
  expect(await new SystemLoopbackPorts('linux').isFree(65_536 * 2).catch(() => false)).toBe(false);
});
