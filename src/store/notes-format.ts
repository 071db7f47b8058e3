import { createHash } from 'node:crypto';
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.js';
import type {
  BeforeUpgrade,
  CreateStep,
  MachineImage,
  MachineNotes,
  TrustedCertificate,
} from '../core/machine.js';

const VERSION = 1;
const STEPS: readonly CreateStep[] = ['recorded', 'created', 'started', 'provisioned', 'complete'];

/** SHA-256 of config.json's bytes: the notes name the config they were written with. */
export function configDigest(config: string | Uint8Array): string {
  return createHash('sha256').update(config).digest('hex');
}

/** The text of tmachine.json. */
export function printNotes(notes: MachineNotes, config: string): string {
  const { image, ...others } = notes;
  const known = Object.fromEntries(
    Object.entries({ ...others, image: image && { ...image } }).filter(([, value]) => value !== undefined),
  );
  return `${JSON.stringify({ version: VERSION, config: configDigest(config), ...known }, null, 2)}\n`;
}

/**
 * The notes in tmachine.json, as far as they can be believed beside this config.json. When somebody else has written config.json since,
 * `image` is dropped: docker-machine's `upgrade` puts another image in its place. Kept are `journal` and `request` (how far we got is no less
 * true), `hostKey` (the guest still has it; dropping it would trust whoever answers next) and `driver` (settings that config.json has no
 * field for). A field of the wrong form is left out. Undefined when the text is no notes at all.
 */
export function parseNotes(text: string, config: string | Uint8Array): MachineNotes | undefined {
  let found: JsonValue;
  try {
    found = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isJsonObject(found)) return undefined;
  const {
    version: _version,
    config: digest,
    journal,
    request,
    hostKey,
    image,
    driver,
    trusted,
    settingsPending,
    beforeUpgrade,
    snapshots,
    clientConfig,
    ...others
  } = found;
  const isCurrent = digest === configDigest(config);
  return {
    ...others, // a newer tmachine may know more: what it wrote is written again
    ...(Array.isArray(journal) && { journal: STEPS.filter((step) => journal.includes(step)) }),
    ...(isJsonObject(request) && { request }),
    ...(typeof hostKey === 'string' && { hostKey }),
    ...(isCurrent && isImage(image) && { image }),
    ...(Array.isArray(trusted) && { trusted: trusted.filter(isTrusted) }),
    ...(settingsPending === true && { settingsPending }),
    ...(isClientConfig(clientConfig) && { clientConfig }),
    ...(isBeforeUpgrade(beforeUpgrade) && { beforeUpgrade }),
    ...(Array.isArray(snapshots) && { snapshots: snapshots.filter((it) => typeof it === 'string') }),
    ...(isJsonObject(driver) && { driver }),
  };
}

/** A name that is no part of a file name never reaches a guest. */
function isTrusted(value: JsonValue): value is TrustedCertificate & JsonObject {
  return (
    isJsonObject(value) &&
    typeof value['name'] === 'string' &&
    /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(value['name']) &&
    typeof value['pem'] === 'string' &&
    (value['registry'] === undefined || typeof value['registry'] === 'string')
  );
}

function isClientConfig(
  value: JsonValue | undefined,
): value is NonNullable<MachineNotes['clientConfig']> & JsonObject {
  return isJsonObject(value) && typeof value['path'] === 'string' && typeof value['host'] === 'string';
}

function isBeforeUpgrade(value: JsonValue | undefined): value is BeforeUpgrade & JsonObject {
  return (
    isJsonObject(value) &&
    isImage(value['image']) &&
    (value['snapshot'] === undefined || typeof value['snapshot'] === 'string')
  );
}

function isImage(value: JsonValue | undefined): value is MachineImage & JsonObject {
  return (
    isJsonObject(value) &&
    typeof value['version'] === 'string' &&
    typeof value['digest'] === 'string' &&
    typeof value['oneStep'] === 'boolean'
  );
}
