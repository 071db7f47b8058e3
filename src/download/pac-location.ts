import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../core/errors.js';
import { redactUrl } from '../core/redact.js';
import { errorText } from './technical-error.js';

/** Where a PAC script is. */
export type PacLocation =
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'file'; readonly path: string };

/**
 * What the value of `--proxy-pac`, or of the operating system's setting, means: an http or https URL, a file URL, or a path. Throws
 * UsageError for anything else.
 */
export function parsePacLocation(setting: string, platform: 'linux' | 'darwin' | 'win32'): PacLocation {
  const text = setting.trim();
  if (/^https?:\/\//i.test(text)) {
    if (URL.canParse(text)) return { kind: 'url', url: text };
    throw unusable(text, 'it is no proper URL');
  }
  if (/^file:/i.test(text)) return { kind: 'file', path: pathOf(text, platform) };
  // Two letters at least: `C:\proxy.pac` is a path.
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(text)?.[1];
  if (scheme !== undefined) throw unusable(text, `"${scheme}" is not a way to get it`);
  return { kind: 'file', path: platform === 'win32' && /^([a-z]:|\\\\)/i.test(text) ? text : resolve(text) };
}

function pathOf(url: string, platform: 'linux' | 'darwin' | 'win32'): string {
  try {
    return fileURLToPath(url, { windows: platform === 'win32' });
  } catch (error) {
    throw unusable(url, errorText(error));
  }
}

function unusable(text: string, reason: string): UsageError {
  return new UsageError({
    code: 'PAC_LOCATION_INVALID',
    message: `A PAC script cannot be taken from "${redactUrl(text)}"`,
    reason,
    nextSteps: ['give an http or https URL, or the path of a file'],
  });
}
