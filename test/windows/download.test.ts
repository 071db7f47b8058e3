import { existsSync } from 'node:fs';
import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { isoImage } from '../download/doubles.js';
import type { Outcome } from '../support/cli.js';
import {
  type Behaviour,
  cutAfter,
  file,
  type MisbehavingServer,
  stallAfter,
  startMisbehavingServer,
} from '../support/misbehaving-server.js';
import { qemuFixture } from '../support/qemu-fixture.js';
import {
  type HeldFile,
  namesIn,
  releasedWhenTold,
  type WindowsPlace,
  type WindowsRun,
  windowsPlace,
} from '../support/windows-lab.js';

const IMAGE = isoImage({ bytes: 3 * 2 ** 20 });
const V1 = { content: IMAGE, etag: '"v1"' };
/** Only a proxy can know this host. */
const URL = 'http://images.invalid/boot2docker.iso';
/** What a scanner lets others do that reads along: read and write, but neither delete nor rename. */
const SCANNER = 3;

describe('a download on Windows through a proxy', () => {
  let place: WindowsPlace;
  let proxy: MisbehavingServer;

  beforeEach(async () => {
    place = await windowsPlace();
    proxy = await startMisbehavingServer();
    await place.replay('qemu-system-x86_64', [
      { args: ['--version'], stdout: qemuFixture('version') },
      { args: ['-accel', 'help'], stdout: qemuFixture('accelerators') },
    ]);
  });

  afterEach(async () => {
    await proxy.close();
    await place.remove();
  });

  /** There is no QEMU to start: a `create` that has its image ends with the start of the machine. */
  const create = (name = 'default', run: WindowsRun = {}): Promise<Outcome> =>
    place.tmachine(
      ['-s', `${place.windowsPath}\\store`, 'create', '-d', 'qemu', '--qemu-boot2docker-url', URL, name],
      { env: { HTTP_PROXY: proxy.origin }, ...run },
    );
  const cache = () => join(place.path, 'store', 'cache');
  const images = async () => (await namesIn(cache())).filter((name) => /^boot2docker-\w+\.iso$/.test(name));

  /** The first half; then a scanner takes hold of the temporary file and the proxy resets the connection. */
  function cutWhileScanned(): {
    readonly behaviour: Behaviour;
    readonly held: Promise<HeldFile>;
  } {
    let isHeld: (held: HeldFile) => void = () => undefined;
    let failed: (error: unknown) => void = () => undefined;
    const held = new Promise<HeldFile>((resolve, reject) => {
      isHeld = resolve;
      failed = reject;
    });
    let begun = false;
    const behaviour: Behaviour = (request, response) =>
      stallAfter(IMAGE.length / 2, file(V1), () => {
        if (begun) return;
        begun = true;
        namesIn(cache())
          .then((names) => names.find((name) => name.endsWith('.part')))
          .then((part) => place.hold(`store/cache/${part}`, SCANNER))
          .then(isHeld, failed)
          .finally(() => response.socket?.resetAndDestroy());
      })(request, response);
    return { behaviour, held };
  }

  test('P08, P09: cut by the proxy while a scanner holds the temporary file, it goes on from there and waits for the scanner', async () => {
    const { behaviour, held } = cutWhileScanned();
    proxy.on(URL, behaviour, file(V1));
    const { stdout } = await create('default', releasedWhenTold(held));
    expect(proxy.requests.map(({ headers }) => headers.range ?? '')).toEqual([
      '',
      expect.stringMatching(/^bytes=[1-9]\d+-$/),
    ]);
    expect(stdout).toMatch(/^\(default\) 0%[.%\d]*\n/m);
    expect(stdout).toMatch(/ was cut\. Trying again in 1 s\.\n/);
    expect(stdout).toMatch(
      /100%\n\(default\) "Z:\\[^"]+\.iso" has been held by another program for 2 s; waiting/,
    );
    expect(stdout).toMatch(/\nCreating machine\.\.\.\n\(default\) Copying Z:\\/);
    expect(await images()).toHaveLength(1);
  });

  test('P08: cut every time, with the scanner still there: the network is what is told, and the next run goes on', async () => {
    const { behaviour, held } = cutWhileScanned();
    proxy.on(URL, behaviour, cutAfter(0, file(V1)));
    const failed = await create();
    expect(failed.status).toBe(3);
    expect(failed.stderr).toMatch(
      /^Error with pre-create check: "Cannot download http:\/\/images\.invalid\/boot2docker\.iso: the connection to [^"]* was cut"\n {2}Why {3}read ECONNRESET\n {2}Next /,
    );
    expect(failed.stdout + failed.stderr).not.toMatch(/being used by another process|removing/);
    expect(await images()).toEqual([]);

    await (await held).release();
    proxy.on(URL, file(V1));
    await create();
    expect(proxy.requests.at(-1)?.headers.range).toMatch(/^bytes=[1-9]\d+-$/);
    expect(await images()).toHaveLength(1);
  });

  test("P08: a temporary file that docker-machine has left, and that somebody holds, is nobody's concern", async () => {
    const left = 'store/cache/boot2docker.iso.tmp697941079';
    await place.write(left, 'half an image');
    const longAgo = new Date('2020-01-01');
    await utimes(join(place.path, left), longAgo, longAgo);
    proxy.on(URL, file(V1));
    const held = await place.hold(left, 0);
    const { stdout, stderr } = await create();
    expect(stdout).toContain('\nCreating machine...\n');
    expect(stdout + stderr).not.toContain('tmp697941079');
    expect(existsSync(join(place.path, left))).toBe(true);
    await held.release();
    await create('other');
    expect(existsSync(join(place.path, left))).toBe(false);
  });
});
