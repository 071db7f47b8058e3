/**
 * The code of an operating system's error, such as `ENOENT`; undefined for any other value. Told by its fields: an error of another
 * realm (a worker, a test's sandbox) is no `instanceof Error` here.
 */
export function systemErrorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
