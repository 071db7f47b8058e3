import { isJsonObject, type JsonObject } from '../../core/json.js';
import { FieldReader } from '../field-reader.js';
import { goField } from '../go-json.js';

const FLAT = [
  'CaCertPath',
  'PrivateKeyPath',
  'ServerCertPath',
  'ServerKeyPath',
  'ClientCertPath',
  'ClientKeyPath',
  'SwarmHost',
  'SwarmMaster',
  'SwarmDiscovery',
];

/**
 * The flat settings of the first records become `HostOptions`. Two things are done otherwise than docker-machine does, which are bugs
 * there: the top-level `StorePath` stays, so that the next step can tell where the store is (docker-machine ends with `.` and `certs`);
 * and of a record that has `HostOptions.AuthOptions` already, as release 0.2 wrote it, these paths are kept (docker-machine empties them).
 */
export function migrateV0(config: JsonObject): JsonObject {
  const flat = new FieldReader(config, 'V0');
  const hostOptions = objectIn(config, 'HostOptions');
  const auth = new FieldReader(objectIn(hostOptions, 'AuthOptions'), 'AuthOptionsV1');
  const swarm = new FieldReader(objectIn(hostOptions, 'SwarmOptions'), 'Options');
  const path = (name: string) => flat.text(name) || auth.text(name);
  return {
    ...without(config, [...FLAT, 'HostOptions', 'ConfigVersion']),
    ConfigVersion: 1,
    HostOptions: {
      EngineOptions: { TlsVerify: true, InstallURL: 'https://get.docker.com' },
      SwarmOptions: {
        Discovery: flat.text('SwarmDiscovery') || swarm.text('Discovery'),
        Host: flat.text('SwarmHost') || swarm.text('Host'),
        Master: flat.flag('SwarmMaster') || swarm.flag('Master'),
      },
      AuthOptions: {
        StorePath: path('StorePath'),
        CaCertPath: path('CaCertPath'),
        PrivateKeyPath: path('PrivateKeyPath'),
        ServerCertPath: path('ServerCertPath'),
        ServerKeyPath: path('ServerKeyPath'),
        ClientKeyPath: path('ClientKeyPath'),
        ClientCertPath: path('ClientCertPath'),
      },
    },
  };
}

function objectIn(object: JsonObject, name: string): JsonObject {
  const value = goField(object, name);
  return isJsonObject(value) ? value : {};
}

/** The object without keys, in whatever case they are written. */
function without(object: JsonObject, names: readonly string[]): JsonObject {
  const lower = new Set(names.map((name) => name.toLowerCase()));
  return Object.fromEntries(Object.entries(object).filter(([key]) => !lower.has(key.toLowerCase())));
}
