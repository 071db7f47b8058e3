import { StoreError } from '../core/errors.js';

/** What docker-machine puts before every reason why a record cannot be used. */
const PREFIX = 'Error getting migrated host: ';

/** The way on for every broken record. */
function waysOn(name: string): string[] {
  return [
    'restore config.json from a backup, if you have one',
    `or remove the machine:  tmachine rm -f ${name}`,
  ];
}

/** The record's text cannot be read as a record; `detail` is what docker-machine says of it (contract: store.md section 5). */
export function brokenRecord(name: string, config: string, detail: string, cause?: unknown): StoreError {
  return new StoreError({
    code: 'RECORD_BROKEN',
    verbatim: true,
    message: `${PREFIX}${detail}`,
    reason: `"${config}" is not a record of a machine`,
    nextSteps: waysOn(name),
    cause,
  });
}

/** The record lacks something without which there is no machine. docker-machine crashes here, and with it `ls` of all machines. */
export function incompleteRecord(name: string, config: string, lacks: string): StoreError {
  return new StoreError({
    code: 'RECORD_INCOMPLETE',
    message: `The record of the machine "${name}" has no ${lacks}`,
    reason: `"${config}" is JSON, but not what docker-machine or tmachine writes`,
    nextSteps: waysOn(name),
  });
}

/** The record was written by a program that knows more than this one. It is never guessed at. */
export function futureRecord(config: string, version: number): StoreError {
  return new StoreError({
    code: 'RECORD_FROM_THE_FUTURE',
    verbatim: true,
    message: `${PREFIX}config version is from the future -- you should upgrade your Docker Machine client`,
    reason: `"${config}" has version ${version}; this program knows versions up to 3`,
    nextSteps: ['use the program that made the machine, or a newer tmachine'],
  });
}

/** The record cannot be read at all: `call` is `open` or `read`, as in Go's errors. */
export function unreadableRecord(
  name: string,
  path: string,
  fault: { readonly call: string; readonly text: string; readonly cause: unknown },
): StoreError {
  return new StoreError({
    code: 'RECORD_UNREADABLE',
    verbatim: true,
    message: `${fault.call} ${path}: ${fault.text}`,
    reason: `the record of the machine "${name}" cannot be read`,
    nextSteps: waysOn(name),
    cause: fault.cause,
  });
}
