import { readFileSync } from 'node:fs';
import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { MachineNotFoundError, StoreError, TmachineError } from '../../src/core/errors.js';
import type { MachineRecord } from '../../src/core/machine.js';
import { machineRecord } from '../support/machine-record.js';
import { type StoreOnDisk, storeOnDisk } from '../support/store-on-disk.js';

const FIXTURES = new URL('../fixtures/store/', import.meta.url);
const NONE = readFileSync(new URL('v3-none.json', FIXTURES), 'utf8');

let disk: StoreOnDisk;
beforeEach(async () => {
  disk = await storeOnDisk();
});
afterEach(() => disk.remove());

function recordOf(name: string, changes: Partial<MachineRecord> = {}): MachineRecord {
  return { ...machineRecord({ name, layout: disk.store.layout }), ...changes };
}

/** A machine as docker-machine leaves it, without our notes. */
async function place(name: string, config: string | undefined): Promise<string> {
  const { directory, config: path } = disk.store.layout.machine(name);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  if (config !== undefined) await writeFile(path, config, { mode: 0o600 });
  return path;
}

async function refusal(work: Promise<unknown>): Promise<TmachineError> {
  const error = await work.then(
    () => new Error('it went well'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof TmachineError) return error;
  throw error;
}

async function mode(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8);
}

describe('list', () => {
  test('names every directory, byte-sorted, without hidden ones and files', async () => {
    for (const name of ['b', 'B', 'a', 'é', 'z', '.hidden', 'dev-10', 'dev-2']) await place(name, undefined);
    await writeFile(join(disk.store.layout.machines, 'a-file'), '');
    expect(await disk.store.list()).toEqual(['B', 'a', 'b', 'dev-10', 'dev-2', 'z', 'é']);
  });

  test('takes a link for what it leads to', async () => {
    await place('real', NONE);
    await symlink(disk.store.layout.machine('real').directory, join(disk.store.layout.machines, 'link'));
    await symlink('/nowhere', join(disk.store.layout.machines, 'broken'));
    await symlink(disk.store.layout.machine('real').config, join(disk.store.layout.machines, 'file'));
    expect(await disk.store.list()).toEqual(['link', 'real']);
    expect((await disk.store.load('link')).name).toBe('link');
  });

  test('is empty in a store that does not exist, and makes nothing', async () => {
    expect(await disk.store.list()).toEqual([]);
    expect(await disk.store.exists('dev')).toBe(false);
    await expect(lstat(disk.root)).rejects.toThrow('ENOENT');
  });

  test('explains itself when "machines" is no directory', async () => {
    await mkdir(disk.root);
    await writeFile(disk.store.layout.machines, '');
    expect((await refusal(disk.store.list())).message).toBe(
      `Could not read the directory "${disk.store.layout.machines}"`,
    );
  });
});

describe('save and load', () => {
  test('a machine comes back as it was saved', async () => {
    const record = recordOf('dev', {
      notes: { journal: ['recorded'], hostKey: 'ssh-ed25519 A', driver: { a: 1 }, request: { f: [1] } },
    });
    await disk.store.save(record);
    expect(await disk.store.load('dev')).toEqual(record);
    expect(await disk.store.exists('dev')).toBe(true);
    expect(disk.warnings).toEqual([]);
  });

  test('directories are 0700 and files 0600, whatever the umask', async () => {
    const before = process.umask(0);
    try {
      await disk.store.save(recordOf('dev'));
    } finally {
      process.umask(before);
    }
    const paths = disk.store.layout.machine('dev');
    for (const directory of [disk.root, disk.store.layout.machines, paths.directory]) {
      expect(await mode(directory)).toBe('700');
    }
    expect([await mode(paths.config), await mode(paths.notes)]).toEqual(['600', '600']);
  });

  test('config.json is docker-machine’s, byte for byte', async () => {
    await place('test', NONE);
    const read = await disk.store.load('test');
    expect(disk.store.render(read)).toBe(NONE);
    await disk.store.save({ ...read, driver: { ...read.driver, URL: 'tcp://192.0.2.1:2376' } });
    expect(await readFile(disk.store.layout.machine('test').config, 'utf8')).toBe(
      NONE.replace('http://blafasl', 'tcp://192.0.2.1:2376'),
    );
  });

  test('P27: the generation before the last change stays', async () => {
    const config = await place('test', NONE);
    const read = await disk.store.load('test');
    await disk.store.save({ ...read, driver: { ...read.driver, URL: 'tcp://192.0.2.1:2376' } });
    expect(await readFile(`${config}.previous`, 'utf8')).toBe(NONE);
    expect(await mode(`${config}.previous`)).toBe('600');
  });

  test('P27: saving the same again does not push the generation before out', async () => {
    const config = await place('test', NONE);
    const read = await disk.store.load('test');
    const changed = { ...read, driver: { ...read.driver, URL: 'tcp://192.0.2.1:2376' } };
    await disk.store.save(changed);
    await disk.store.save(changed);
    expect(await readFile(`${config}.previous`, 'utf8')).toBe(NONE);
  });

  test('reading changes nothing on disk', async () => {
    await place('old', readFileSync(new URL('v1-virtualbox.json', FIXTURES), 'utf8'));
    await place('test', NONE);
    const listing = async () => {
      const names = await readdir(disk.root, { recursive: true });
      return Promise.all(
        names.sort().map(async (name) => [name, (await lstat(join(disk.root, name))).mtimeMs]),
      );
    };
    const before = await listing();
    await disk.store.load('old');
    await disk.store.load('test');
    await disk.store.list();
    await refusal(disk.store.load('none-such'));
    expect(await listing()).toEqual(before);
  });

  test('a migrated record is written at the next save, and the old bytes stay as config.json.bak', async () => {
    const old = readFileSync(new URL('v1-virtualbox.json', FIXTURES), 'utf8');
    const config = await place('foobar', old);
    await disk.store.save(await disk.store.load('foobar'));
    expect(JSON.parse(await readFile(config, 'utf8'))).toMatchObject({ ConfigVersion: 3, Name: 'foobar' });
    expect(await readFile(`${config}.bak`, 'utf8')).toBe(old);
    expect(await mode(`${config}.bak`)).toBe('600');
  });

  test('no backup is made of a record that needs no migration', async () => {
    const config = await place('test', NONE);
    const read = await disk.store.load('test');
    await disk.store.save({ ...read, driverName: 'other' });
    await expect(lstat(`${config}.bak`)).rejects.toThrow('ENOENT');
  });

  test('a record from the future is not overwritten', async () => {
    const future = NONE.replace('"ConfigVersion": 3', '"ConfigVersion": 4');
    const config = await place('test', future);
    expect((await refusal(disk.store.save(recordOf('test')))).message).toContain('from the future');
    expect(await readFile(config, 'utf8')).toBe(future);
  });

  test('an unknown machine is told in docker-machine’s words', async () => {
    const error = await refusal(disk.store.load('dev'));
    expect(error).toBeInstanceOf(MachineNotFoundError);
    expect(error.message).toBe(
      'Docker machine "dev" does not exist. Use "docker-machine ls" to list machines. Use "docker-machine create" to add a new one.',
    );
  });

  test('a name that leads out of the store is nobody’s', async () => {
    await place('dev', NONE);
    for (const name of ['../machines/dev', '..', '.', '']) {
      expect(await disk.store.exists(name)).toBe(false);
      expect(await refusal(disk.store.load(name))).toBeInstanceOf(MachineNotFoundError);
      expect((await refusal(disk.store.save(recordOf(name)))).exitCode).toBe(2);
      await disk.store.remove(name);
    }
    expect(await disk.store.list()).toEqual(['dev']);
  });

  test('leftovers of a killed writer are swept after an hour, younger and living ones stay', async () => {
    await place('test', NONE);
    const { directory } = disk.store.layout.machine('test');
    const at = (name: string) => join(directory, name);
    const names = {
      old: '.config.json.tmachine-999999999-0123456789abcdef',
      young: '.config.json.tmachine-999999999-0123456789abcdee',
      living: `.config.json.tmachine-${process.pid}-0123456789abcdef`,
    };
    for (const name of Object.values(names)) await writeFile(at(name), 'half');
    const yesterday = new Date(Date.now() - 86_400_000);
    for (const name of [names.old, names.living]) await utimes(at(name), yesterday, yesterday);
    await disk.store.save({ ...(await disk.store.load('test')), driverName: 'other' });
    const left = (await readdir(directory)).filter((name) => name.startsWith('.'));
    expect(left.sort()).toEqual([names.young, names.living].sort());
  });
});

test('P28: remove takes what a killed creation of that machine has just left, and nothing of another', async () => {
  await place('test', NONE);
  const at = (name: string) => join(disk.store.layout.machines, name);
  const mine = '.test.tmachine-999999999-0123456789abcdef';
  const another = '.test2.tmachine-999999999-0123456789abcdef';
  const living = `.test.tmachine-${process.pid}-0123456789abcdef`;
  for (const name of [mine, another, living]) await mkdir(at(name));
  await disk.store.remove('test');
  expect((await readdir(disk.store.layout.machines)).sort()).toEqual([living, another].sort());
});

describe('P27: a broken machine', () => {
  test('without config.json is told as docker-machine tells it', async () => {
    const config = await place('dev', undefined);
    const error = await refusal(disk.store.load('dev'));
    expect(error).toBeInstanceOf(StoreError);
    expect(error.message).toBe(`open ${config}: no such file or directory`);
    expect(error.nextSteps).toContain('or remove the machine:  tmachine rm -f dev');
  });

  test('that is a file, not a directory, is told', async () => {
    await mkdir(disk.store.layout.machines, { recursive: true });
    await writeFile(join(disk.store.layout.machines, 'dev'), '');
    expect(await disk.store.exists('dev')).toBe(true);
    expect((await refusal(disk.store.load('dev'))).message).toBe(
      `open ${disk.store.layout.machine('dev').config}: not a directory`,
    );
  });

  test('whose config.json is a directory is told', async () => {
    const config = await place('dev', undefined);
    await mkdir(config);
    expect((await refusal(disk.store.load('dev'))).message).toBe(`read ${config}: is a directory`);
  });

  test.each([
    ['empty', ''],
    ['cut off', NONE.slice(0, 300)],
    ['full of zeros', '\0'.repeat(4096)],
    ['an empty object', '{}'],
  ])('with a config.json that is %s is read from the generation before, and says so', async (_, broken) => {
    const config = await place('test', broken);
    await writeFile(`${config}.previous`, NONE);
    expect((await disk.store.load('test')).driver['URL']).toBe('http://blafasl');
    expect(disk.warnings).toEqual([expect.stringContaining('The record of "test" is damaged (')]);
    expect(await readFile(config, 'utf8')).toBe(broken);
  });

  test('whose config.json docker-machine deleted and could not replace is read from the generation before', async () => {
    const config = await place('test', undefined);
    await writeFile(`${config}.previous`, NONE);
    expect((await disk.store.load('test')).driverName).toBe('none');
  });

  test('is repaired by the next save, and the good generation is not pushed out by the broken one', async () => {
    const config = await place('test', '');
    await writeFile(`${config}.previous`, NONE);
    await disk.store.save(await disk.store.load('test'));
    expect(await readFile(config, 'utf8')).toBe(NONE);
    expect(await readFile(`${config}.previous`, 'utf8')).toBe(NONE);
  });

  test('is refused with the first fault when both generations are broken', async () => {
    const config = await place('test', '');
    await writeFile(`${config}.previous`, '{');
    expect((await refusal(disk.store.load('test'))).message).toBe(
      'Error getting migrated host: unexpected end of JSON input',
    );
    expect(disk.warnings).toEqual([]);
  });

  test('from the future is refused although an older generation lies beside it', async () => {
    const config = await place('test', NONE.replace('"ConfigVersion": 3', '"ConfigVersion": 4'));
    await writeFile(`${config}.previous`, NONE);
    expect((await refusal(disk.store.load('test'))).message).toContain('from the future');
  });

  test('does not keep the others from being listed and loaded', async () => {
    await place('good', NONE);
    await place('bad', '{}');
    await place('worse', undefined);
    expect(await disk.store.list()).toEqual(['bad', 'good', 'worse']);
    expect((await disk.store.load('good')).name).toBe('good');
  });
});

describe('notes', () => {
  const image = { version: 'v26.1.5', digest: 'ab', oneStep: true };

  test('losing them loses no machine', async () => {
    const record = recordOf('dev', { notes: { journal: ['recorded', 'complete'], image } });
    await disk.store.save(record);
    await rm(disk.store.layout.machine('dev').notes);
    expect(await disk.store.load('dev')).toEqual({ ...record, notes: {} });
  });

  test('that are broken are ignored with a warning', async () => {
    await disk.store.save(recordOf('dev', { notes: { image } }));
    await writeFile(disk.store.layout.machine('dev').notes, '{');
    expect((await disk.store.load('dev')).notes).toEqual({});
    expect(disk.warnings).toEqual([expect.stringContaining('cannot be read as notes')]);
  });

  test('written beside another config.json lose what they derived from it', async () => {
    await disk.store.save(
      recordOf('dev', { notes: { image, hostKey: 'ssh-ed25519 A', journal: ['recorded'] } }),
    );
    const { config } = disk.store.layout.machine('dev');
    await writeFile(
      config,
      (await readFile(config, 'utf8')).replace('"LogLevel": ""', '"LogLevel": "debug"'),
    );
    expect((await disk.store.load('dev')).notes).toEqual({ hostKey: 'ssh-ed25519 A', journal: ['recorded'] });
  });
});

describe('remove', () => {
  test('deletes the machine whole, and nothing twice', async () => {
    await disk.store.save(recordOf('dev'));
    await writeFile(join(disk.store.layout.machine('dev').directory, 'disk.vmdk'), 'x');
    await disk.store.remove('dev');
    await disk.store.remove('dev');
    expect(await readdir(disk.store.layout.machines)).toEqual([]);
  });

  test('deletes a link and not what it leads to', async () => {
    const elsewhere = join(dirname(disk.root), 'elsewhere');
    await mkdir(elsewhere);
    await writeFile(join(elsewhere, 'config.json'), NONE);
    await mkdir(disk.store.layout.machines, { recursive: true });
    await symlink(elsewhere, disk.store.layout.machine('dev').directory);
    await disk.store.remove('dev');
    expect(await disk.store.exists('dev')).toBe(false);
    expect(await readdir(elsewhere)).toEqual(['config.json']);
  });

  test('deletes a machine whose files may not be written', async () => {
    await disk.store.save(recordOf('dev'));
    await chmod(disk.store.layout.machine('dev').config, 0o400);
    await disk.store.remove('dev');
    expect(await disk.store.list()).toEqual([]);
  });
});

describe('files', () => {
  test('that are missing read as undefined', async () => {
    await disk.store.save(recordOf('dev'));
    expect(await disk.store.readFile(join(disk.root, 'no', 'such'))).toBeUndefined();
    expect(await disk.store.readFile(join(disk.store.layout.machine('dev').config, 'below'))).toBeUndefined();
  });

  test('that cannot be read are told with their path', async () => {
    await mkdir(disk.root);
    expect((await refusal(disk.store.readFile(disk.root))).message).toBe(`Could not read "${disk.root}"`);
  });

  test('are written with their mode, also over an older one with another', async () => {
    const path = join(disk.root, 'certs', 'key.pem');
    await disk.store.writeFile(path, 'old', 0o644);
    await disk.store.writeFile(path, new Uint8Array([1, 2]), 0o600);
    expect([...(await readFile(path))]).toEqual([1, 2]);
    expect([await mode(path), await mode(dirname(path))]).toEqual(['600', '700']);
  });

  test('behind a link are replaced where they are', async () => {
    await mkdir(disk.root);
    const real = join(dirname(disk.root), 'ca.pem');
    await writeFile(real, 'old');
    await symlink(real, join(disk.root, 'ca.pem'));
    await disk.store.writeFile(join(disk.root, 'ca.pem'), 'new', 0o600);
    expect(await readFile(real, 'utf8')).toBe('new');
    expect((await lstat(join(disk.root, 'ca.pem'))).isSymbolicLink()).toBe(true);
  });

  test('are copied whole with the mode asked for', async () => {
    const from = join(dirname(disk.root), 'image.iso');
    await writeFile(from, Buffer.alloc(3_000_000, 7), { mode: 0o444 });
    const to = disk.store.layout.machine('dev').image;
    await disk.store.copyFile(from, to, 0o600);
    expect((await readFile(to)).equals(await readFile(from))).toBe(true);
    expect(await mode(to)).toBe('600');
  });

  test('that cannot be copied leave nothing behind', async () => {
    const to = disk.store.layout.machine('dev').image;
    await refusal(disk.store.copyFile(join(disk.root, 'none'), to, 0o600));
    expect(await readdir(dirname(to))).toEqual([]);
  });
});

describe('writeDirectory', () => {
  const files = new Map([
    ['ca.pem', { content: 'certificate', mode: 0o644 }],
    ['ca-key.pem', { content: 'key', mode: 0o600 }],
  ]);

  test('makes the directory with its files', async () => {
    const { certs } = disk.store.layout;
    expect(await disk.store.writeDirectory(certs, files)).toBe(true);
    expect((await readdir(certs)).sort()).toEqual(['ca-key.pem', 'ca.pem']);
    expect([await mode(certs), await mode(join(certs, 'ca-key.pem'))]).toEqual(['700', '600']);
    expect(await readdir(disk.root)).toEqual(['certs']);
  });

  test('changes nothing that is there, be it empty', async () => {
    const { certs } = disk.store.layout;
    await mkdir(certs, { recursive: true });
    expect(await disk.store.writeDirectory(certs, files)).toBe(false);
    expect(await readdir(certs)).toEqual([]);
  });

  test('P22: of twenty at once exactly one is first, and its files are complete', async () => {
    const { certs } = disk.store.layout;
    const made = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        disk.store.writeDirectory(
          certs,
          new Map([
            ['ca.pem', { content: `certificate ${index}`, mode: 0o644 }],
            ['ca-key.pem', { content: `key ${index}`, mode: 0o600 }],
          ]),
        ),
      ),
    );
    expect(made.filter(Boolean)).toHaveLength(1);
    const winner = made.indexOf(true);
    expect(await readFile(join(certs, 'ca.pem'), 'utf8')).toBe(`certificate ${winner}`);
    expect(await readFile(join(certs, 'ca-key.pem'), 'utf8')).toBe(`key ${winner}`);
    expect(await readdir(disk.root)).toEqual(['certs']);
  });
});
