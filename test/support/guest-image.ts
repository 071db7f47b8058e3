import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const OUT = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'guest', 'out');

/** The image that `npm run guest:build` makes, with one-step provisioning. */
export const GUEST_IMAGE = existing('boot2docker.iso');

/** The same content without the mark: provisioned over SSH like stock boot2docker. */
export const STOCK_IMAGE = existing('boot2docker-stock.iso');

function existing(name: string): string {
  const file = join(OUT, name);
  if (!existsSync(file)) throw new Error(`${file} is missing: make it with "npm run guest:build -- --both"`);
  return file;
}
