/**
 * SHA-256 digests (hex, lower case) of images that this release vouches for. Each entry needs a comment with a link to where its
 * publisher states it; boot2docker stated none beside its ISO files.
 */
export const KNOWN_DIGESTS: ReadonlySet<string> = new Set();
