import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { temporaryDirectory } from '../support/temporary-directory.js';

const kernel = join(import.meta.dirname, '../../guest/kernel');

/** Runs check-config; resolves to its exit status and what it printed. */
function checkConfig(...args: string[]): Promise<{ status: number; output: string }> {
  return new Promise((resolve, reject) => {
    execFile(join(kernel, 'check-config'), args, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') {
        reject(error);
        return;
      }
      resolve({ status: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr });
    });
  });
}

/** The smallest configuration that grants every wish of the fragment and of required-options. */
async function fittingConfig(): Promise<string> {
  const fragment = await readFile(join(kernel, 'fragment.config'), 'utf8');
  const required = await readFile(join(kernel, 'required-options'), 'utf8');
  const settings = new Map<string, string>();
  for (const name of required.replace(/^[#[].*$/gm, '').split(/\s+/)) {
    if (name !== '' && !name.startsWith('!')) {
      settings.set(`CONFIG_${name}`, 'y');
    }
  }
  for (const [, name, value] of fragment.matchAll(/^(CONFIG_\w+)=(.*)$/gm)) {
    settings.set(name ?? '', value ?? '');
  }
  return [...settings].map(([name, value]) => `${name}=${value}\n`).join('');
}

describe('the check of the kernel configuration', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let fitting: string;

  beforeAll(async () => {
    directory = await temporaryDirectory('kernel-config');
    fitting = await fittingConfig();
  });
  afterAll(() => directory.remove());

  /** Checks a configuration text against the real fragment and list, or against a fragment of one's own. */
  async function check(text: string, fragment?: string): Promise<{ status: number; output: string }> {
    const config = join(directory.path, 'config');
    await writeFile(config, text);
    if (fragment === undefined) {
      return checkConfig(config);
    }
    const file = join(directory.path, 'fragment');
    await writeFile(file, fragment);
    return checkConfig(config, file);
  }

  test('a configuration that grants every wish passes', async () => {
    expect(await check(fitting)).toEqual({
      status: 0,
      output: expect.stringMatching(/^check-config: all \d+ wishes are met\n$/),
    });
  });

  test.each([
    ['VETH', 'Docker: bridge networks and published ports'],
    ['CGROUP_BPF', 'Docker: control groups version 2'],
    ['OVERLAY_FS', 'Docker: storage'],
    ['VIRTIO_BLK', 'QEMU and virtio'],
    ['VBOXSF_FS', 'VirtualBox'],
    ['HYPERV_STORAGE', 'Hyper-V'],
    ['VMXNET3', 'VMware'],
    ['RANDOMIZE_BASE', 'protection that must not get lost'],
  ])('without %s it fails and says that it is for: %s', async (name, purpose) => {
    const result = await check(fitting.replace(`CONFIG_${name}=y\n`, `# CONFIG_${name} is not set\n`));
    expect(result.status).toBe(1);
    expect(result.output).toContain(
      `check-config: CONFIG_${name} should be y but is n, needed for: ${purpose}\n`,
    );
  });

  test('a driver made a module counts as missing: the guest loads none', async () => {
    const result = await check(fitting.replace('CONFIG_E1000=y\n', 'CONFIG_E1000=m\n'));
    expect(result.status).toBe(1);
    expect(result.output).toContain('CONFIG_E1000 should be y but is m, needed for: VirtualBox\n');
  });

  test('what was left out on purpose must stay out', async () => {
    const result = await check(`${fitting}CONFIG_DRM=y\n`);
    expect(result.status).toBe(1);
    expect(result.output).toContain('CONFIG_DRM should be n but is y');
  });

  test('a line of the fragment that Kconfig dropped is named', async () => {
    const result = await check(fitting, 'CONFIG_LOG_BUF_SHIFT=18\nCONFIG_NO_SUCH_OPTION=y\n# a remark\n');
    expect(result.status).toBe(1);
    expect(result.output).toContain('CONFIG_LOG_BUF_SHIFT should be 18 (fragment) but is 17\n');
    expect(result.output).toContain('CONFIG_NO_SUCH_OPTION should be y (fragment) but is n\n');
  });

  test('a line of the fragment that is no option is named', async () => {
    const result = await check(fitting, 'CONFIG_VETH = y\n');
    expect(result.status).toBe(1);
    expect(result.output).toContain('line 1 of the fragment is neither an option nor a comment');
  });

  test('a missing or empty configuration is wrong usage, not a pass', async () => {
    const config = join(directory.path, 'config');
    await writeFile(config, '');
    expect((await checkConfig(config)).status).toBe(2);
    expect((await checkConfig(join(directory.path, 'nowhere'))).status).toBe(2);
  });
});
