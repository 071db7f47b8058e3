import type { MachineRecord } from './machine.js';
import { redactSecrets } from './redact.js';

/** The record with the passwords of URLs in the engine's environment and options masked: what `inspect` may show. */
export function maskSecrets(record: MachineRecord): MachineRecord {
  const { EngineOptions } = record.hostOptions;
  return {
    ...record,
    hostOptions: {
      ...record.hostOptions,
      EngineOptions: {
        ...EngineOptions,
        Env: masked(EngineOptions.Env),
        ArbitraryFlags: masked(EngineOptions.ArbitraryFlags),
        RegistryMirror: masked(EngineOptions.RegistryMirror),
      },
    },
  };
}

function masked(values: readonly string[] | null): readonly string[] | null {
  return values?.map(redactSecrets) ?? null;
}
