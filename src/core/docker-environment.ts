import type { Connection } from './actions/connection.js';
import { addNoProxy, hasProxy, removeNoProxy } from './no-proxy.js';
import type { HostFacts } from './ports.js';
import type { VariableChange } from './variable-change.js';

type Place = Pick<HostFacts, 'env' | 'platform'>;

/** docker-compose on Windows needs it to mount paths with drive letters (contract: cli.md, env). */
const COMPOSE_PATHS = 'COMPOSE_CONVERT_WINDOWS_PATHS';

/**
 * What lets a docker client reach a machine's engine. Its address joins NO_PROXY when `noProxy` is asked for, and whenever this environment
 * has a proxy (P05).
 */
export function dockerEnvironment(
  found: Connection,
  { env, platform }: Place,
  noProxy: boolean,
): readonly VariableChange[] {
  return [
    ...dockerVariables(found),
    ...onWindows(platform, 'true'),
    ...(noProxy || hasProxy(env) ? addNoProxy(found.address, env, platform) : []),
  ];
}

/** Takes back what `dockerEnvironment` has set. */
export function withoutDockerEnvironment({ env, platform }: Place): readonly VariableChange[] {
  const docker = dockerVariables({ name: '', url: '', address: '', certPath: '' });
  return [
    ...docker.map(({ name }) => ({ name, value: undefined })),
    ...onWindows(platform, undefined),
    ...removeNoProxy(env, platform),
  ];
}

function dockerVariables(found: Connection): readonly VariableChange[] {
  return [
    { name: 'DOCKER_TLS_VERIFY', value: '1' },
    { name: 'DOCKER_HOST', value: found.url },
    { name: 'DOCKER_CERT_PATH', value: found.certPath },
    { name: 'DOCKER_MACHINE_NAME', value: found.name },
  ];
}

function onWindows(platform: HostFacts['platform'], value: string | undefined): readonly VariableChange[] {
  return platform === 'win32' ? [{ name: COMPOSE_PATHS, value }] : [];
}
