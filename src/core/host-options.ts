import { UsageError } from './errors.js';
import type { EngineOptions, HostOptions, SwarmOptions } from './machine.js';
import type { StoreLayout } from './ports.js';
import { redactSecrets } from './redact.js';
import { insecureRegistry, registryMirror } from './registry-address.js';

/** Certificate paths from the global `--tls-*` flags; absent ones lie in the store. */
export interface TlsPaths {
  readonly caCert?: string | undefined;
  readonly caKey?: string | undefined;
  readonly clientCert?: string | undefined;
  readonly clientKey?: string | undefined;
}

export interface HostOptionsRequest {
  readonly engine: Pick<
    EngineOptions,
    | 'ArbitraryFlags'
    | 'Env'
    | 'InsecureRegistry'
    | 'Labels'
    | 'RegistryMirror'
    | 'StorageDriver'
    | 'InstallURL'
  >;
  readonly swarm: Pick<
    SwarmOptions,
    | 'IsSwarm'
    | 'Address'
    | 'Discovery'
    | 'Agent'
    | 'Master'
    | 'Host'
    | 'Image'
    | 'Strategy'
    | 'ArbitraryFlags'
    | 'ArbitraryJoinFlags'
    | 'IsExperimental'
  >;
  /** Where the registry mirrors are from, for messages: the flag when absent, or its variable. */
  readonly mirrorsFrom?: string;
  readonly sans: readonly string[];
  readonly tls: TlsPaths;
}

/**
 * What config.json keeps of a `create`, with docker-machine's own defaults (contract: store.md section 3). Throws UsageError for engine
 * settings that would not arrive in the guest as they were given, or with which its engine would not start.
 */
export function makeHostOptions(layout: StoreLayout, name: string, request: HostOptionsRequest): HostOptions {
  assertOneWord('--engine-label', request.engine.Labels);
  assertOneWord('--engine-opt', request.engine.ArbitraryFlags);
  assertVariables(request.engine.Env);
  const machine = layout.machine(name);
  const certs = certificatePaths(layout);
  return {
    Driver: '',
    Memory: 0,
    Disk: 0,
    EngineOptions: {
      ArbitraryFlags: request.engine.ArbitraryFlags,
      Dns: null,
      GraphDir: '',
      Env: request.engine.Env,
      Ipv6: false,
      InsecureRegistry: each(request.engine.InsecureRegistry, (it) =>
        insecureRegistry(it, '--engine-insecure-registry'),
      ),
      Labels: request.engine.Labels,
      LogLevel: '',
      StorageDriver: request.engine.StorageDriver,
      SelinuxEnabled: false,
      TlsVerify: true,
      RegistryMirror: each(request.engine.RegistryMirror, (it) =>
        registryMirror(it, request.mirrorsFrom ?? '--engine-registry-mirror'),
      ),
      InstallURL: request.engine.InstallURL,
    },
    SwarmOptions: {
      IsSwarm: request.swarm.IsSwarm,
      Address: request.swarm.Address,
      Discovery: request.swarm.Discovery,
      Agent: request.swarm.Agent,
      Master: request.swarm.Master,
      Host: request.swarm.Host,
      Image: request.swarm.Image,
      Strategy: request.swarm.Strategy,
      Heartbeat: 0,
      Overcommit: 0,
      ArbitraryFlags: request.swarm.ArbitraryFlags,
      ArbitraryJoinFlags: request.swarm.ArbitraryJoinFlags,
      Env: null,
      IsExperimental: request.swarm.IsExperimental,
    },
    AuthOptions: {
      CertDir: layout.certs,
      CaCertPath: request.tls.caCert ?? certs.caCert,
      CaPrivateKeyPath: request.tls.caKey ?? certs.caKey,
      CaCertRemotePath: '',
      ServerCertPath: machine.serverCert,
      ServerKeyPath: machine.serverKey,
      ClientKeyPath: request.tls.clientKey ?? certs.clientKey,
      ServerCertRemotePath: '',
      ServerKeyRemotePath: '',
      ClientCertPath: request.tls.clientCert ?? certs.clientCert,
      ServerCertSANs: request.sans,
      StorePath: machine.directory,
    },
  };
}

/** Without twins; null stays null. */
function each(values: readonly string[] | null, read: (value: string) => string): readonly string[] | null {
  return values && [...new Set(values.map(read))];
}

function certificatePaths(layout: StoreLayout): Required<{ [K in keyof TlsPaths]: string }> {
  // The layout knows its platform; a backslash in the root does not, it is a letter like others outside of Windows.
  const separator = layout.certs.startsWith('\\', layout.root.length) ? '\\' : '/';
  const at = (file: string) => `${layout.certs}${separator}${file}`;
  return {
    caCert: at('ca.pem'),
    caKey: at('ca-key.pem'),
    clientCert: at('cert.pem'),
    clientKey: at('key.pem'),
  };
}

/** boot2docker splits the engine's arguments at white space, whatever the quotes: a value with a space would be torn apart. */
function assertOneWord(flag: string, values: readonly string[] | null): void {
  const torn = values?.find((value) => value === '' || /\s/.test(value));
  if (torn === undefined) return;
  throw new UsageError({
    message: `The value "${torn}" of ${flag} cannot be used`,
    reason: 'it is empty or contains white space, which does not reach the engine in one piece',
    nextSteps: ['leave the white space out, or set it in the daemon.json of the guest'],
  });
}

/** Throws UsageError for a variable that would not arrive in the guest as it was given. */
export function assertVariables(values: readonly string[] | null): void {
  const wrong = values?.find((value) => !/^[A-Za-z_][A-Za-z0-9_]*=[^\r\n\0]*$/.test(value));
  if (wrong === undefined) return;
  throw new UsageError({
    message: `The value "${redactSecrets(wrong)}" of --engine-env cannot be used`,
    reason: 'it is not of the form NAME=value on one line',
    nextSteps: ['for example: --engine-env HTTP_PROXY=http://proxy.example:8080'],
  });
}
