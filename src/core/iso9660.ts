/** Where the primary volume descriptor of an ISO 9660 image begins (ECMA-119: sector 16 of 2048 bytes). */
export const PRIMARY_VOLUME_OFFSET = 0x8000;
export const PRIMARY_VOLUME_LENGTH = 2048;

/** What an ISO 9660 image says of itself. */
export interface PrimaryVolume {
  readonly volumeId: string;
  readonly applicationId: string;
  /** The length that the volume has by its own account, in bytes: a shorter file has been cut. */
  readonly volumeBytes: number;
}

/**
 * Reads the primary volume descriptor: the `PRIMARY_VOLUME_LENGTH` bytes at `PRIMARY_VOLUME_OFFSET` of the file.
 * Undefined when they are not one, that is when the file is no ISO 9660 image.
 */
export function parsePrimaryVolume(sector: Uint8Array): PrimaryVolume | undefined {
  if (sector.length < PRIMARY_VOLUME_LENGTH || sector[0] !== 1 || textAt(sector, 1, 5) !== 'CD001') {
    return undefined;
  }
  const view = new DataView(sector.buffer, sector.byteOffset, PRIMARY_VOLUME_LENGTH);
  return {
    volumeId: textAt(sector, 40, 32),
    applicationId: textAt(sector, 574, 128),
    volumeBytes: view.getUint32(80, true) * view.getUint16(128, true),
  };
}

/**
 * The engine version in a boot2docker volume id, from the `v` on: `b2d-v19.03.12` and the older `Boot2Docker-v1.9.1` give
 * `v19.03.12` and `v1.9.1`. Undefined when there is no `-v`.
 */
export function engineVersionOf(volumeId: string): string | undefined {
  const mark = volumeId.indexOf('-v');
  return mark < 0 ? undefined : volumeId.slice(mark + 1).trim();
}

/**
 * True when the guest of this image takes certificates and settings in the disk's seed. Case does not count: xorriso writes the
 * application id in capitals, as ECMA-119 wants it.
 */
export function isOneStepImage(applicationId: string): boolean {
  return applicationId.toLowerCase().split(/\s+/).includes('tmachine-seed=1');
}

/** A field padded with spaces or zeros. It is shown to the user, so that what is not printable ASCII is left out. */
function textAt(bytes: Uint8Array, offset: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(offset, offset + length))
    .replace(/[^ -~]/g, '')
    .trim();
}
