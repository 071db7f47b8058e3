import { existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Invocation, type Outcome, runProgram } from './cli.js';

/** What guest/docker-client unpacks from Debian's package, for hosts without one. */
const UNPACKED = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'guest', 'out', 'docker');

/** The docker client: TMACHINE_TEST_DOCKER, else the one on PATH, else the unpacked one. Throws when there is none. */
export function findDockerClient(): string {
  const named = process.env.TMACHINE_TEST_DOCKER ?? '';
  const onPath = (process.env.PATH ?? '').split(delimiter).map((directory) => join(directory, 'docker'));
  const found = [...(named === '' ? [] : [named]), ...onPath, UNPACKED].find((file) => existsSync(file));
  if (found === undefined) throw new Error('no docker client: run guest/docker-client');
  return found;
}

export type Docker = (args: readonly string[], invocation?: Invocation) => Promise<Outcome>;

/** A docker client that talks to one engine only, with settings as `tmachine env` gives them and a configuration folder of its own. */
export function dockerWith(settings: Readonly<Record<string, string>>, configDirectory: string): Docker {
  const client = findDockerClient();
  return (args, invocation = {}) =>
    runProgram(client, args, {
      timeoutMs: 180_000,
      ...invocation,
      env: { ...settings, DOCKER_CONFIG: configDirectory, ...invocation.env },
    });
}
