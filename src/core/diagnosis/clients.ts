import { type ApiRange, clientApis } from '../api-versions.js';
import { ToolError } from '../errors.js';
import { type Check, note, ok } from './check.js';
import type { DiagnosisParts } from './parts.js';

const QUESTION_MS = 10_000;
/** No engine listens there: the client is to speak of itself only. */
const NO_ENGINE = { DOCKER_HOST: 'tcp://127.0.0.1:1' };
const FORMAT = '{{.Client.Version}} {{.Client.DefaultAPIVersion}}';

/** The docker client on PATH with the range of APIs it speaks, and the ssh that other tools use. */
export async function checkClients(
  parts: DiagnosisParts,
  signal: AbortSignal,
): Promise<{ readonly docker: ApiRange | undefined; readonly checks: readonly Check[] }> {
  const docker = await checkDocker(parts, signal);
  return { docker: docker.apis, checks: [docker.check, await checkSsh(parts, signal)] };
}

async function checkDocker(
  parts: DiagnosisParts,
  signal: AbortSignal,
): Promise<{ readonly check: Check; readonly apis?: ApiRange }> {
  const path = await parts.processes.find('docker');
  if (path === undefined) {
    const check = note('clients', {
      code: 'DOCKER_CLIENT_MISSING',
      text: 'docker: there is no docker client on PATH',
      reason: 'machines work without one; to use their engines from this computer you need one',
      nextSteps: ['install the docker client alone (Debian: docker-cli, macOS: brew install docker)'],
    });
    return { check };
  }
  const said = await answer(parts, path, ['version', '--format', FORMAT], signal);
  const [, release = '', newest = ''] = /^(\d+\.\S+) (\d+\.\d+)$/m.exec(said) ?? [];
  if (release === '') return { check: ok('clients', `docker: ${path} (it does not tell its version)`) };
  return {
    check: ok('clients', `docker: ${path}, version ${release}, API up to ${newest}`),
    apis: clientApis(release, newest),
  };
}

async function checkSsh(parts: DiagnosisParts, signal: AbortSignal): Promise<Check> {
  const path = await parts.processes.find('ssh');
  if (path === undefined) return ok('clients', 'ssh: not on PATH, and not needed: it is built in');
  const version = /^\S+/.exec((await answer(parts, path, ['-V'], signal)).trim())?.[0] ?? 'unknown version';
  return ok('clients', `ssh: ${path}, ${version} (not needed: it is built in)`);
}

/** What a program prints on either stream, whatever it ends with; empty when it cannot be run. */
async function answer(
  { processes }: DiagnosisParts,
  path: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  try {
    const options = { env: NO_ENGINE, timeoutMs: QUESTION_MS, signal };
    const { stdout, stderr } = await processes.run(path, args, options);
    return `${stdout}${stderr}`;
  } catch (error) {
    if (error instanceof ToolError) return '';
    throw error;
  }
}
