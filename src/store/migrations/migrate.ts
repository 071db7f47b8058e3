import type { JsonObject } from '../../core/json.js';
import { FieldReader } from '../field-reader.js';
import { migrateV0 } from './v0-to-v1.js';
import { migrateV1 } from './v1-to-v2.js';
import { migrateV2 } from './v2-to-v3.js';

/** The version this program writes. */
export const CONFIG_VERSION = 3;

/** What a migration must know beside the record. */
export interface MigrationPlace {
  /** The record's `Driver` object. */
  readonly driver: JsonObject;
  /** The root of the store in which the record was found: for a record that does not say. */
  readonly storeRoot: string;
  readonly dirname: (path: string) => string;
  readonly join: (...parts: string[]) => string;
}

/** A record of version 0 to 2 as one of version 3, in memory. A record says where its own machine lives: its store is two levels above. */
export function migrate(config: JsonObject, version: number, place: MigrationPlace): JsonObject {
  let current = config;
  if (version < 1) current = migrateV0(current);
  const own = new FieldReader(current, 'V1').text('StorePath');
  const globalStore = own === '' ? place.storeRoot : place.dirname(place.dirname(own));
  if (version < 2) current = migrateV1(current, globalStore, place.join(globalStore, 'certs'));
  return migrateV2(current, place.driver, globalStore);
}
