import { UsageError } from '../core/errors.js';
import { type CurlSetup, curlSender } from './curl-sender.js';
import { sendByGot } from './got-sender.js';
import type { Sender } from './sender.js';

/** What `--downloader` names; undefined: built-in. Throws UsageError for another word, with where it is `from`. */
export function downloaderNamed(name: string | undefined, setup: CurlSetup, from = '--downloader'): Sender {
  if (name === undefined || name === 'built-in') return sendByGot;
  if (name === 'curl') return curlSender(setup);
  throw new UsageError({
    code: 'DOWNLOADER_UNKNOWN',
    message: `"${name}" (${from}) is no downloader`,
    nextSteps: ['give built-in or curl'],
  });
}
