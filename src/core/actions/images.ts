import type { App, Call } from '../app.js';
import { StoreError } from '../errors.js';
import type { MachineImage } from '../machine.js';
import type { ShelvedImage } from '../ports.js';

/** An image of the cache, of an installed package or of a machine. */
export interface ListedImage {
  /** `machine`: the copy that it boots from. */
  readonly kind: ShelvedImage['kind'] | 'machine';
  /** The machine's, for a copy of one. */
  readonly machine: string;
  readonly path: string;
  readonly bytes: number;
  readonly facts: MachineImage | undefined;
  /** Why it is of no use; empty when it is whole. */
  readonly fault: string;
  readonly isVerified: boolean;
}

/** `image ls`: the cache, installed packages, then what the machines boot from. Reads every image. */
export async function listImages(app: App, call: Call): Promise<readonly ListedImage[]> {
  const shelved = (await app.shelf.list(call.signal)).map(listed);
  const copies = await Promise.all((await app.store.list()).map((name) => machineCopy(app, name, call)));
  return [...shelved, ...copies.flat()];
}

/** What a machine boots from, held against what was noted when it was made. Nothing for a machine without one. */
async function machineCopy(app: App, name: string, call: Call): Promise<readonly ListedImage[]> {
  const found = await app.shelf.look(app.store.layout.machine(name).image, call.signal);
  if (found === undefined) return [];
  // A record that cannot be read says nothing about the image.
  const noted = await app.store.load(name).then(
    (record) => record.notes.image?.digest,
    () => undefined,
  );
  const hasChanged = found.facts !== undefined && noted !== undefined && noted !== found.facts.digest;
  return [
    {
      ...listed(found),
      kind: 'machine',
      machine: name,
      ...(hasChanged && { fault: 'it has changed since the machine got it' }),
    },
  ];
}

function listed({ facts, fault = '', ...image }: ShelvedImage): ListedImage {
  return { ...image, machine: '', facts, fault };
}

/**
 * `image pull`: gets the image that `url` means (a URL, a file, a releases URL; empty: the latest release) and makes it the one that `create`
 * takes when none is named. The one before stays until the new one is whole. Returns its path.
 */
export async function pullImage(
  app: App,
  url: string,
  call: Call,
): Promise<{ readonly path: string; readonly image: MachineImage }> {
  const image = await app.images.locate({ url, newest: true, forCache: true, ...call });
  const path = app.shelf.defaultPath;
  if (image.path !== path) {
    call.reporter.step(`Copying ${image.path} to ${path}...`);
    await app.store.copyFile(image.path, path, 0o600);
  }
  call.reporter.step(`"create" takes ${image.version === '' ? 'this image' : image.version} now: ${path}`);
  return { path, image };
}

/**
 * `image verify`: the images at these paths, or all that there are. Throws StoreError naming each that is of no use, after `tell` was told of
 * every one.
 */
export async function verifyImages(
  app: App,
  paths: readonly string[],
  tell: (image: ListedImage) => void,
  call: Call,
): Promise<void> {
  const images =
    paths.length === 0
      ? await listImages(app, call)
      : await Promise.all(paths.map((path) => fileAt(app, path, call)));
  const whole = images.filter((image) => image.kind !== 'unfinished');
  if (whole.length === 0) call.reporter.step('There is no boot image yet.');
  for (const image of whole) tell(image);
  const broken = whole.filter(({ fault }) => fault !== '');
  if (broken.length === 0) return;
  throw new StoreError({
    code: 'IMAGE_BROKEN',
    message: broken.map(({ path, fault }) => `The boot image "${path}" is of no use: ${fault}`).join('\n'),
    nextSteps: [
      'get it anew with: tmachine image pull',
      ...(broken.some(({ kind }) => kind === 'machine')
        ? ['a machine gets another one with: tmachine upgrade NAME']
        : []),
    ],
  });
}

/** What is not there is of no use either. */
async function fileAt(app: App, path: string, call: Call): Promise<ListedImage> {
  const found = await app.shelf.look(path, call.signal);
  return listed(found ?? { path, kind: 'file', bytes: 0, isVerified: false, fault: 'there is no such file' });
}

/** What `image prune` would delete: leftovers and images of URLs, with `all` also the one that `create` takes. Machines have copies of their own. */
export async function prunable(app: App, all: boolean, call: Call): Promise<readonly ShelvedImage[]> {
  const images = await app.shelf.list(call.signal);
  return images.filter(({ kind }) => kind === 'unfinished' || kind === 'url' || (all && kind === 'default'));
}

/** Deletes these images, with a line for each; what is in use stays, with a warning. Returns the bytes that were freed. */
export async function pruneImages(app: App, images: readonly ShelvedImage[], call: Call): Promise<number> {
  let freed = 0;
  for (const image of images) {
    if (await app.shelf.remove(image, call.signal)) {
      freed += image.bytes;
      call.reporter.step(`Removed ${image.path}`);
    } else {
      call.reporter.warn(`"${image.path}" is in use and stays.`);
    }
  }
  return freed;
}
