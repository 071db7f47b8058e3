import { isJsonObject, type JsonObject } from '../core/json.js';
import type {
  AuthOptions,
  EngineOptions,
  HostOptions,
  MachineRecord,
  SwarmOptions,
} from '../core/machine.js';
import type { HostFacts, StoreLayout } from '../core/ports.js';
import { FieldReader, FieldTypeError } from './field-reader.js';
import { GoJsonError, goField, goKind, parseGoJson, printGoJson } from './go-json.js';
import { pathsOf } from './layout.js';
import { CONFIG_VERSION, migrate } from './migrations/migrate.js';
import { brokenRecord, futureRecord, incompleteRecord } from './record-fault.js';

/** Where a record was found. */
export interface RecordPlace {
  readonly name: string;
  readonly layout: StoreLayout;
  readonly platform: HostFacts['platform'];
}

/** What config.json holds of a machine. */
export type StoredRecord = Omit<MachineRecord, 'notes'>;

const TOP_LEVEL = ['ConfigVersion', 'Driver', 'DriverName', 'HostOptions', 'Name'];

/**
 * The bytes of config.json: docker-machine's keys in its order, 4 spaces, no line end (contract: store.md section 3). Keys that nobody
 * here knows stay in their places.
 */
export function printRecord(record: StoredRecord): string {
  const known: JsonObject = {
    ConfigVersion: CONFIG_VERSION,
    Driver: record.driver,
    DriverName: record.driverName,
    HostOptions: plain(record.hostOptions),
    Name: record.name,
  };
  return printGoJson(record.stored === undefined ? known : { ...record.stored, ...known });
}

/**
 * The record in a config.json of any version up to 3; older ones are migrated. The directory's name is the machine's, whatever the file
 * says. Throws StoreError with the contract's text (store.md section 5).
 */
export function parseRecord(text: string, place: RecordPlace): StoredRecord {
  const { config } = place.layout.machine(place.name);
  try {
    return readRecord(text, place, config);
  } catch (error) {
    if (error instanceof GoJsonError || error instanceof FieldTypeError) {
      throw brokenRecord(place.name, config, error.message, error);
    }
    throw error;
  }
}

/** The version of a config.json; undefined when the text is no record. */
export function versionOf(text: string): number | undefined {
  try {
    const config = parseGoJson(text);
    return isJsonObject(config) ? new FieldReader(config, 'MetadataV0').integer('ConfigVersion') : undefined;
  } catch {
    return undefined; // no JSON, or no number: whoever asks only wants to know whether it is an old record
  }
}

function readRecord(text: string, place: RecordPlace, path: string): StoredRecord {
  const found = parseGoJson(text);
  if (found === null) throw incompleteRecord(place.name, path, 'content but "null"');
  if (!isJsonObject(found)) {
    throw brokenRecord(
      place.name,
      path,
      `json: cannot unmarshal ${goKind(found)} into Go value of type host.MetadataV0`,
    );
  }
  const version = new FieldReader(found, 'MetadataV0').integer('ConfigVersion');
  if (version > CONFIG_VERSION) throw futureRecord(path, version);
  const driver = goField(found, 'Driver');
  if (!isJsonObject(driver)) throw incompleteRecord(place.name, path, '"Driver"');
  const { dirname, join } = pathsOf(place.platform);
  const config =
    version < CONFIG_VERSION
      ? migrate(found, version, { driver, storeRoot: place.layout.root, dirname, join })
      : found;
  const reader = new FieldReader(config, 'Host');
  const stored = unknownKept(config, reader);
  return {
    name: place.name,
    driverName: reader.text('DriverName'),
    driver: reader.object('Driver') ?? driver,
    hostOptions: readHostOptions(reader.object('HostOptions') ?? {}, place),
    ...(stored && { stored }),
  };
}

/** The whole object when it has keys that we do not know, with the known ones spelled as they are written. */
function unknownKept(config: JsonObject, reader: FieldReader): JsonObject | undefined {
  const known = Object.fromEntries(TOP_LEVEL.map((name) => [name, null]));
  const kept: JsonObject = reader.withOthers(known);
  return kept === known || Object.keys(config).length === 0 ? undefined : kept;
}

function readHostOptions(options: JsonObject, place: RecordPlace): HostOptions {
  const reader = new FieldReader(options, 'Options');
  return reader.withOthers({
    Driver: reader.text('Driver'),
    Memory: reader.integer('Memory'),
    Disk: reader.integer('Disk'),
    EngineOptions: readEngineOptions(reader.object('EngineOptions') ?? {}),
    SwarmOptions: readSwarmOptions(reader.object('SwarmOptions') ?? {}),
    AuthOptions: readAuthOptions(reader.object('AuthOptions'), place),
  });
}

function readEngineOptions(options: JsonObject): EngineOptions {
  const reader = new FieldReader(options, 'Options');
  return reader.withOthers({
    ArbitraryFlags: reader.list('ArbitraryFlags'),
    Dns: reader.list('Dns'),
    GraphDir: reader.text('GraphDir'),
    Env: reader.list('Env'),
    Ipv6: reader.flag('Ipv6'),
    InsecureRegistry: reader.list('InsecureRegistry'),
    Labels: reader.list('Labels'),
    LogLevel: reader.text('LogLevel'),
    StorageDriver: reader.text('StorageDriver'),
    SelinuxEnabled: reader.flag('SelinuxEnabled'),
    TlsVerify: reader.flag('TlsVerify'),
    RegistryMirror: reader.list('RegistryMirror'),
    InstallURL: reader.text('InstallURL'),
  });
}

function readSwarmOptions(options: JsonObject): SwarmOptions {
  const reader = new FieldReader(options, 'Options');
  return reader.withOthers({
    IsSwarm: reader.flag('IsSwarm'),
    Address: reader.text('Address'),
    Discovery: reader.text('Discovery'),
    Agent: reader.flag('Agent'),
    Master: reader.flag('Master'),
    Host: reader.text('Host'),
    Image: reader.text('Image'),
    Strategy: reader.text('Strategy'),
    Heartbeat: reader.integer('Heartbeat'),
    Overcommit: reader.number('Overcommit'),
    ArbitraryFlags: reader.list('ArbitraryFlags'),
    ArbitraryJoinFlags: reader.list('ArbitraryJoinFlags'),
    Env: reader.list('Env'),
    IsExperimental: reader.flag('IsExperimental'),
  });
}

function readAuthOptions(options: JsonObject | undefined, place: RecordPlace): AuthOptions {
  const reader = new FieldReader(options ?? defaultAuthOptions(place), 'Options');
  return reader.withOthers({
    CertDir: reader.text('CertDir'),
    CaCertPath: reader.text('CaCertPath'),
    CaPrivateKeyPath: reader.text('CaPrivateKeyPath'),
    CaCertRemotePath: reader.text('CaCertRemotePath'),
    ServerCertPath: reader.text('ServerCertPath'),
    ServerKeyPath: reader.text('ServerKeyPath'),
    ClientKeyPath: reader.text('ClientKeyPath'),
    ServerCertRemotePath: reader.text('ServerCertRemotePath'),
    ServerKeyRemotePath: reader.text('ServerKeyRemotePath'),
    ClientCertPath: reader.text('ClientCertPath'),
    ServerCertSANs: reader.list('ServerCertSANs'),
    StorePath: reader.text('StorePath'),
  });
}

/** Of a record without any: where this store would have put them. docker-machine crashes on such a record. */
function defaultAuthOptions({ name, layout, platform }: RecordPlace): JsonObject {
  const { join } = pathsOf(platform);
  const machine = layout.machine(name);
  return {
    CertDir: layout.certs,
    CaCertPath: join(layout.certs, 'ca.pem'),
    CaPrivateKeyPath: join(layout.certs, 'ca-key.pem'),
    ServerCertPath: machine.serverCert,
    ServerKeyPath: machine.serverKey,
    ClientKeyPath: join(layout.certs, 'key.pem'),
    ClientCertPath: join(layout.certs, 'cert.pem'),
    StorePath: machine.directory,
  };
}

/** Typed options as JSON, key by key: an interface has no index signature. */
function plain(options: HostOptions): JsonObject {
  return {
    ...options,
    EngineOptions: { ...options.EngineOptions },
    SwarmOptions: { ...options.SwarmOptions },
    AuthOptions: { ...options.AuthOptions },
  };
}
