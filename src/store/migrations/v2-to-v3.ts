import type { JsonObject } from '../../core/json.js';

/**
 * The driver learns where the store is, and the record's own `StorePath` goes. The driver's keys come out sorted, as docker-machine writes
 * them; the ones nobody knows are kept.
 */
export function migrateV2(config: JsonObject, driver: JsonObject, globalStore: string): JsonObject {
  const sorted = Object.entries({ ...driver, StorePath: globalStore }).sort(([a], [b]) => (a < b ? -1 : 1));
  const kept = Object.entries(config).filter(([key]) => !/^(storepath|driver)$/i.test(key));
  return { ...Object.fromEntries(kept), ConfigVersion: 3, Driver: Object.fromEntries(sorted) };
}
