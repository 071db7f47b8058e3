/** The versions of the Engine API that a program speaks; text as `1.45`. */
export interface ApiRange {
  readonly min: string;
  readonly max: string;
}

/** How a client and an engine go together (P40). */
export type ApiMatch = 'fits' | 'client-too-old' | 'engine-too-old';

/** Whether two ranges meet. A range whose numbers cannot be read meets everything: nothing is claimed without evidence. */
export function matchApis(client: ApiRange, engine: ApiRange): ApiMatch {
  if (isBelow(client.max, engine.min)) return 'client-too-old';
  return isBelow(engine.max, client.min) ? 'engine-too-old' : 'fits';
}

/**
 * The range of a docker client. It tells its newest version only; the oldest one that it admits depends on its release: none was checked up to
 * 28 (engines since 25 refuse what is below 1.24), 1.44 in 29.0 to 29.2, 1.40 from 29.3 on (moby pull requests 51186 and 52067).
 */
export function clientApis(release: string, newestApi: string): ApiRange {
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  if (major < 29) return { min: '', max: newestApi };
  return { min: major === 29 && minor < 3 ? '1.44' : '1.40', max: newestApi };
}

function isBelow(a: string, b: string): boolean {
  const [x, y] = [numberOf(a), numberOf(b)];
  return x !== undefined && y !== undefined && x < y;
}

/** `1.9` is below `1.40`. */
function numberOf(version: string): number | undefined {
  const match = /^(\d+)\.(\d+)$/.exec(version);
  return match === null ? undefined : Number(match[1]) * 1000 + Number(match[2]);
}
