import { type HostOptionsRequest, makeHostOptions } from '../../src/core/host-options.js';
import type { JsonObject } from '../../src/core/json.js';
import type { MachineNotes, MachineRecord } from '../../src/core/machine.js';
import type { StoreLayout } from '../../src/core/ports.js';

/** What `create` asks for when no flag is given. */
export const DEFAULT_REQUEST: HostOptionsRequest = {
  engine: {
    ArbitraryFlags: [],
    Env: [],
    InsecureRegistry: [],
    Labels: [],
    RegistryMirror: [],
    StorageDriver: '',
    InstallURL: 'https://get.docker.com',
  },
  swarm: {
    IsSwarm: false,
    Address: '',
    Discovery: '',
    Agent: false,
    Master: false,
    Host: 'tcp://0.0.0.0:3376',
    Image: 'swarm:latest',
    Strategy: 'spread',
    ArbitraryFlags: [],
    ArbitraryJoinFlags: [],
    IsExperimental: false,
  },
  sans: [],
  tls: {},
};

/** Paths of a store that is nowhere, for tests that touch no file. */
export const NO_STORE: StoreLayout = {
  root: '/store',
  certs: '/store/certs',
  cache: '/store/cache',
  machines: '/store/machines',
  machine: (name) => {
    const directory = `/store/machines/${name}`;
    const at = (file: string) => `${directory}/${file}`;
    return {
      directory,
      config: at('config.json'),
      notes: at('tmachine.json'),
      image: at('boot2docker.iso'),
      previousImage: at('boot2docker.iso.previous'),
      sshKey: at('id_rsa'),
      caCert: at('ca.pem'),
      clientCert: at('cert.pem'),
      clientKey: at('key.pem'),
      serverCert: at('server.pem'),
      serverKey: at('server-key.pem'),
    };
  },
};

/** A record as `create` makes it. */
export function machineRecord(
  fields: {
    readonly name?: string;
    readonly driverName?: string;
    readonly labels?: readonly string[];
    readonly driver?: JsonObject;
    readonly notes?: MachineNotes;
    readonly layout?: StoreLayout;
  } = {},
): MachineRecord {
  const name = fields.name ?? 'dev';
  return {
    name,
    driverName: fields.driverName ?? 'none',
    driver: fields.driver ?? { MachineName: name },
    hostOptions: makeHostOptions(fields.layout ?? NO_STORE, name, {
      ...DEFAULT_REQUEST,
      engine: { ...DEFAULT_REQUEST.engine, Labels: fields.labels ?? [] },
    }),
    notes: fields.notes ?? {},
  };
}
