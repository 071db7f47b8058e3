import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { isoImage } from '../download/doubles.js';
import { missingPrograms, startSquid } from '../download/real-proxies.js';
import { PROGRAM, tmachineIn } from '../support/cli.js';
import { file, type MisbehavingServer, startMisbehavingServer } from '../support/misbehaving-server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/** The built program, as several users of one computer, or one with a wrong password, start it. */
const IMAGE = isoImage();
const PROCESSES = 4;

let server: MisbehavingServer;
let folder: Awaited<ReturnType<typeof temporaryDirectory>>;

beforeEach(async () => {
  server = await startMisbehavingServer();
  folder = await temporaryDirectory('network');
});
afterEach(async () => {
  await server.close();
  await folder.remove();
});

test('P07: several processes that want one image download it once, from a server that names no version', async () => {
  let letGo: () => void = () => undefined;
  const othersWait = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  server.on(
    '/b.iso',
    (request, response) => void othersWait.then(() => file({ content: IMAGE })(request, response)),
  );
  let waiting = 0;
  const pulls = Array.from({ length: PROCESSES }, async () => {
    const child = spawn(
      process.execPath,
      [PROGRAM, '-s', folder.path, 'image', 'pull', `${server.origin}/b.iso`],
      {
        env: { ...process.env, NODE_OPTIONS: '' },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      const waited = said.includes('Waiting for ');
      said += text;
      if (!waited && said.includes('Waiting for ') && ++waiting === PROCESSES - 1) letGo();
    });
    const [status] = await once(child, 'close');
    return { status, said };
  });
  for (const { status, said } of await Promise.all(pulls)) {
    expect({ status, said }).toMatchObject({ status: 0, said: expect.stringContaining('"create" takes') });
  }
  expect(server.requests).toHaveLength(1);
}, 60_000);

const withSquid = missingPrograms(['squid', 'openssl']).length === 0 ? test : test.skip;
withSquid(
  'P02: a proxy gets a wrong login once, whatever else might be tried: accounts are locked after a few',
  async () => {
    await chmod(folder.path, 0o755);
    const squid = await startSquid(join(folder.path, 'squid'), { login: { user: 'me', password: 'right' } });
    try {
      const HTTPS_PROXY = `http://me:wrong@127.0.0.1:${squid.port}`;
      const run = tmachineIn(join(folder.path, 'store'), { HTTPS_PROXY });
      const mirror = 'https://mirror.invalid/b.iso';
      const { status, stderr } = await run(['image', 'pull', '--image-mirror', mirror]);
      expect({ status, stderr }).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('does not accept the login'),
      });
      expect(stderr).toContain('check user name and password (HTTPS_PROXY) before the next try');
      const asked = (await squid.log()).split('\n').filter((line) => line.includes('TCP_DENIED/407'));
      expect(asked).toHaveLength(1);
    } finally {
      await squid.stop();
    }
  },
  60_000,
);
