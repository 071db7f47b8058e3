/**
 * One line when the engine of an image is too old for today's docker clients (P40); undefined when it is not, or when the image
 * does not tell. Engines before 19.03 speak no API that a client of version 29 or later still knows (floor 1.40,
 * https://github.com/moby/moby/pull/52067); those before 25.0 are refused by 29.0 to 29.2 (floor 1.44,
 * https://github.com/moby/moby/pull/51186).
 */
export function oldEngineWarning(version: string): string | undefined {
  const match = /^v?(\d+)\.(\d+)/.exec(version);
  if (match === null) return undefined;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  const engine = `The Docker engine of this image is ${version}`;
  if (major < 19 || (major === 19 && minor < 3)) {
    return `${engine}: docker clients of version 29 and later do not talk to it. A newer image is worth having.`;
  }
  if (major < 25) {
    return `${engine}: docker clients 29.0 to 29.2 do not talk to it, later ones may not either. A newer image is worth having.`;
  }
  return undefined;
}
