import { isNativeError } from 'node:util/types';

/** Node's word for what went wrong, such as `ECONNRESET`; undefined when the value has none. */
export function errorCode(error: unknown): string | undefined {
  return isNativeError(error) && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** The error's own text, without the class name, in one line: OpenSSL's ends with a line end. */
export function errorText(error: unknown): string {
  return (isNativeError(error) ? error.message : String(error)).replace(/\s+/g, ' ').trim();
}

/**
 * The error that began it all: got and the proxy agents wrap what the socket said. Of several addresses that were tried the first
 * failure stands for all.
 */
export function innermost(error: unknown): unknown {
  let inner = error;
  while (isNativeError(inner) && isNativeError(inner.cause)) inner = inner.cause;
  const several =
    isNativeError(inner) && 'errors' in inner && Array.isArray(inner.errors) ? inner.errors : [];
  return several[0] ?? inner;
}
