import type { App, Call } from '../app.js';
import { type Check, note, ok } from './check.js';

/** Whether `create` needs the network for its boot image. */
export async function checkImage(
  app: App,
  call: Call,
): Promise<{ readonly isLocal: boolean; readonly checks: readonly Check[] }> {
  const image = await app.images.findLocal(call.signal);
  if (image === undefined) {
    const check = note('boot image', {
      code: 'IMAGE_NOT_CACHED',
      text: 'no boot image is here yet: the first create downloads one',
      nextSteps: [
        `without a network, put one there by hand: ${app.store.layout.cache}${separatorOf(app)}boot2docker.iso`,
      ],
    });
    return { isLocal: false, checks: [check] };
  }
  const version = image.version === '' ? 'its version is not known' : image.version;
  return { isLocal: true, checks: [ok('boot image', `${image.path} (${version})`)] };
}

function separatorOf(app: App): string {
  return app.facts.platform === 'win32' ? '\\' : '/';
}
