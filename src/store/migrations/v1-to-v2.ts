import type { JsonObject } from '../../core/json.js';
import { FieldReader } from '../field-reader.js';

/**
 * The authority's key gets its present name, and the certificates' directory is written down. `globalStore` is the store's root by the
 * record's own word. `AuthOptions.StorePath` becomes that root, as docker-machine has it, although new records name the machine's directory
 * there.
 */
export function migrateV1(config: JsonObject, globalStore: string, certs: string): JsonObject {
  const options = new FieldReader(config, 'V1').object('HostOptions') ?? {};
  const reader = new FieldReader(options, 'OptionsV1');
  const auth = new FieldReader(reader.object('AuthOptions') ?? {}, 'AuthOptionsV1');
  return {
    ...config,
    ConfigVersion: 2,
    HostOptions: {
      Driver: reader.text('Driver'),
      Memory: reader.integer('Memory'),
      Disk: reader.integer('Disk'),
      EngineOptions: reader.object('EngineOptions') ?? null,
      SwarmOptions: reader.object('SwarmOptions') ?? null,
      AuthOptions: {
        CertDir: certs,
        CaCertPath: auth.text('CaCertPath'),
        CaPrivateKeyPath: auth.text('PrivateKeyPath'),
        CaCertRemotePath: auth.text('CaCertRemotePath'),
        ServerCertPath: auth.text('ServerCertPath'),
        ServerKeyPath: auth.text('ServerKeyPath'),
        ClientKeyPath: auth.text('ClientKeyPath'),
        ServerCertRemotePath: auth.text('ServerCertRemotePath'),
        ServerKeyRemotePath: auth.text('ServerKeyRemotePath'),
        ClientCertPath: auth.text('ClientCertPath'),
        ServerCertSANs: null,
        StorePath: globalStore,
      },
    },
  };
}
