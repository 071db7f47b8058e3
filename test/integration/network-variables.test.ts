import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { tmachineIn } from '../support/cli.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

let folder: { path: string; remove: () => Promise<void> };
beforeAll(async () => {
  folder = await temporaryDirectory('network-variables');
});
afterAll(() => folder.remove());

const HERE = ['proxy', 'check', 'http://outside.invalid/'];

test.each([
  ['MACHINE_PROXY', 'http://127.0.0.1:9', HERE, 'come from MACHINE_PROXY'],
  ['MACHINE_PROXY', 'ftp://127.0.0.1:9', HERE, '"ftp://127.0.0.1:9" (MACHINE_PROXY) cannot be used'],
  [
    'MACHINE_DOWNLOADER',
    'wget',
    ['image', 'pull', 'http://127.0.0.1:9/a.iso'],
    '"wget" (MACHINE_DOWNLOADER)',
  ],
  [
    'MACHINE_CA_CERT',
    '/nowhere.pem',
    ['create', '-d', 'none', '--url', 'tcp://127.0.0.1:9', 'dev'],
    'MACHINE_CA_CERT',
  ],
])('P01: what came by %s=%s is not told as a flag that nobody gave', async (variable, value, args, said) => {
  const env = { [variable]: value };
  const { stdout, stderr } = await tmachineIn(folder.path)(args, { env });
  expect(stdout + stderr).toContain(said);
  expect(stdout + stderr).not.toContain(`--${variable.replace('MACHINE_', '').toLowerCase()}`);
});

test('P01: a script of MACHINE_PROXY_PAC that is passed over is told by that name', async () => {
  const env = {
    MACHINE_PROXY_PAC: 'http://127.0.0.1:9/proxy.pac',
    HTTP_PROXY: 'http://127.0.0.1:9',
  };
  const { stderr } = await tmachineIn(folder.path)(HERE, { env });
  expect(stderr).toContain('MACHINE_PROXY_PAC http://127.0.0.1:9/proxy.pac is not used for this: HTTP_PROXY');
});
