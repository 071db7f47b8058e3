import { describe, expect, test } from '@jest/globals';
import {
  engineVersionOf,
  isOneStepImage,
  PRIMARY_VOLUME_LENGTH,
  parsePrimaryVolume,
} from '../../src/core/iso9660.js';

function descriptor(fields: { volumeId: string; applicationId: string; blocks: number }): Uint8Array {
  const sector = Buffer.alloc(PRIMARY_VOLUME_LENGTH, ' ');
  sector[0] = 1;
  sector.write('CD001', 1);
  sector.write(fields.volumeId, 40);
  sector.writeUInt32LE(fields.blocks, 80);
  sector.writeUInt16LE(2048, 128);
  sector.write(fields.applicationId, 574);
  return sector;
}

describe('the primary volume descriptor', () => {
  test('gives volume id, application id and length', () => {
    const sector = descriptor({
      volumeId: 'b2d-v26.1.5',
      applicationId: 'Boot2Docker tmachine-seed=1',
      blocks: 3,
    });
    expect(parsePrimaryVolume(sector)).toEqual({
      volumeId: 'b2d-v26.1.5',
      applicationId: 'Boot2Docker tmachine-seed=1',
      volumeBytes: 6144,
    });
  });

  test('is read at its place in a larger buffer', () => {
    const sector = descriptor({ volumeId: 'b2d-v1.2.3', applicationId: 'Boot2Docker', blocks: 1 });
    const file = Buffer.concat([Buffer.alloc(0x8000), sector]);
    expect(parsePrimaryVolume(file.subarray(0x8000))?.volumeBytes).toBe(2048);
  });

  test('does not carry control characters to the screen', () => {
    const sector = descriptor({ volumeId: 'b2d-\u001b[2Jv1', applicationId: '', blocks: 1 });
    expect(parsePrimaryVolume(sector)?.volumeId).toBe('b2d-[2Jv1');
  });

  test.each([
    ['a web page', Buffer.from('<!doctype html>'.padEnd(PRIMARY_VOLUME_LENGTH))],
    ['a short buffer', Buffer.from('\u0001CD001')],
    ['zeros', Buffer.alloc(PRIMARY_VOLUME_LENGTH)],
    ['another kind of descriptor', Buffer.from('\u0002CD001'.padEnd(PRIMARY_VOLUME_LENGTH))],
  ])('is not found in %s', (_, sector) => {
    expect(parsePrimaryVolume(sector)).toBeUndefined();
  });
});

describe('the engine version of a volume id', () => {
  test.each([
    ['b2d-v19.03.12', 'v19.03.12'],
    ['b2d-v17.09.0-ce', 'v17.09.0-ce'],
    ['Boot2Docker-v1.9.1', 'v1.9.1'],
    ['CDROM', undefined],
    ['', undefined],
  ])('%j gives %j', (volumeId, version) => {
    expect(engineVersionOf(volumeId)).toBe(version);
  });
});

test.each([
  ['Boot2Docker tmachine-seed=1', true],
  ['BOOT2DOCKER TMACHINE-SEED=1', true],
  ['Boot2Docker', false],
  ['Boot2Docker tmachine-seed=10', false],
  ['', false],
])('the application id %j says one-step: %j', (applicationId, oneStep) => {
  expect(isOneStepImage(applicationId)).toBe(oneStep);
});
