import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Invocation, type Outcome, runProgram } from './cli.js';

/** The docker client: TMACHINE_TEST_DOCKER, else the one on PATH. Throws when there is none: acceptance needs one. */
export function findDockerClient(): string {
  const named = process.env['TMACHINE_TEST_DOCKER'];
  if (named !== undefined && named !== '') return named;
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    const file = join(directory, 'docker');
    if (existsSync(file)) return file;
  }
  throw new Error('no docker client: name one in TMACHINE_TEST_DOCKER or put one on PATH');
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
