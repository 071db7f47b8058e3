import { isAbsolute, posix, resolve, win32 } from 'node:path';
import { UsageError } from '../core/errors.js';
import { redactUrl } from '../core/redact.js';
import { parseReleasesUrl, type Releases } from './boot2docker-release.js';

/** What a boot2docker URL flag asks for. */
export type ImageLocation =
  | { readonly kind: 'default' }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'releases'; readonly releases: Releases }
  | { readonly kind: 'url'; readonly url: string };

/**
 * Reads the value of a boot2docker URL flag (contract: create-flow.md section 2): empty, an http(s) URL, a releases API URL, a
 * `file:` URL or a path, on Windows also `C:\...` and `\\server\...`. Throws UsageError for another scheme.
 */
export function parseImageLocation(text: string, platform: 'linux' | 'darwin' | 'win32'): ImageLocation {
  const trimmed = text.trim();
  if (trimmed === '') return { kind: 'default' };
  if (/^file:/i.test(trimmed))
    return { kind: 'file', path: fileUrlPath(trimmed.slice('file:'.length), platform) };
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(trimmed)?.[1]?.toLowerCase();
  if (scheme === 'http' || scheme === 'https') {
    if (!URL.canParse(trimmed)) throw unusable(trimmed, 'it is no proper URL');
    const releases = parseReleasesUrl(trimmed);
    return releases === undefined ? { kind: 'url', url: trimmed } : { kind: 'releases', releases };
  }
  if (scheme !== undefined && trimmed.startsWith(`${scheme}://`)) {
    throw unusable(trimmed, `"${scheme}" is not a way to get it`);
  }
  return { kind: 'file', path: isAbsolute(trimmed) || isWindowsPath(trimmed) ? trimmed : resolve(trimmed) };
}

/** The path in what follows `file:`. Go takes it as it stands, so that `file:boot2docker.iso` is allowed too. */
function fileUrlPath(rest: string, platform: 'linux' | 'darwin' | 'win32'): string {
  const match = /^\/\/([^/\\]*)(.*)$/s.exec(rest);
  const host = match?.[1] ?? '';
  const path = decoded(match?.[2] ?? rest);
  if (platform !== 'win32') return path.startsWith('/') ? posix.normalize(path) : resolve(path);
  // file://C:/x is wrong but common; file://server/share/x is a network path; file:///C:/x is right.
  if (/^[a-z]:$/i.test(host)) return win32.normalize(`${host}${path}`);
  if (host !== '' && host !== 'localhost') return win32.normalize(`\\\\${host}${path}`);
  return win32.normalize(path.replace(/^[/\\]+(?=[a-z]:)/i, ''));
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    // A stray "%": the path was not encoded.
    return path;
  }
}

function isWindowsPath(text: string): boolean {
  return /^[a-z]:[\\/]/i.test(text) || text.startsWith('\\\\');
}

function unusable(text: string, reason: string): UsageError {
  return new UsageError({
    code: 'IMAGE_LOCATION_INVALID',
    message: `The boot image cannot be taken from "${redactUrl(text)}"`,
    reason,
    nextSteps: ['give an http or https URL, a file: URL or a path'],
  });
}
