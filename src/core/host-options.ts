import type { EngineOptions, HostOptions, SwarmOptions } from './machine.js';
import type { StoreLayout } from './ports.js';

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
  readonly sans: readonly string[];
  readonly tls: TlsPaths;
}

/** What config.json keeps of a `create`, with docker-machine's own defaults (contract: store.md section 3). */
export function makeHostOptions(layout: StoreLayout, name: string, request: HostOptionsRequest): HostOptions {
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
      InsecureRegistry: request.engine.InsecureRegistry,
      Labels: request.engine.Labels,
      LogLevel: '',
      StorageDriver: request.engine.StorageDriver,
      SelinuxEnabled: false,
      TlsVerify: true,
      RegistryMirror: request.engine.RegistryMirror,
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

function certificatePaths(layout: StoreLayout): Required<{ [K in keyof TlsPaths]: string }> {
  const separator = layout.root.includes('\\') ? '\\' : '/';
  const at = (file: string) => `${layout.certs}${separator}${file}`;
  return {
    caCert: at('ca.pem'),
    caKey: at('ca-key.pem'),
    clientCert: at('cert.pem'),
    clientKey: at('key.pem'),
  };
}
