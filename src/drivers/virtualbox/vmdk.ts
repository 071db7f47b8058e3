const SECTOR = 512;
/** A grain is the unit in which the disk grows: 64 KiB, as VirtualBox makes it. */
const GRAIN_SECTORS = 128;
const GRAIN_BYTES = GRAIN_SECTORS * SECTOR;
const ENTRIES_PER_TABLE = 512;
const TABLE_SECTORS = (ENTRIES_PER_TABLE * 4) / SECTOR;
const DESCRIPTOR_SECTOR = 1;
const DESCRIPTOR_SECTORS = 20;
/** The flags of the header: line ends can be verified; there is a second set of tables. */
const FLAGS = 3;

export interface VmdkDisk {
  /** Multiple of 1 MiB. */
  readonly sizeBytes: number;
  /** The first bytes; the rest reads as zeros. */
  readonly head: Uint8Array;
  readonly uuid: string;
  /** A second UUID, which VirtualBox changes with every change of the disk. */
  readonly modificationUuid: string;
  /** As the descriptor names it: the file's own name. */
  readonly fileName: string;
}

/**
 * A growing disk in VMDK's `monolithicSparse` form (Virtual Disk Format 5.0, VMware 2011; the `ddb.uuid` lines are VirtualBox's own), whole and
 * small: header, descriptor, two sets of grain tables, and the grains that hold the head.
 */
export function makeVmdk({ sizeBytes, head, uuid, modificationUuid, fileName }: VmdkDisk): Uint8Array {
  const capacity = sizeBytes / SECTOR;
  const tables = Math.ceil(capacity / GRAIN_SECTORS / ENTRIES_PER_TABLE);
  const directorySectors = Math.ceil((tables * 4) / SECTOR);
  const spareDirectory = DESCRIPTOR_SECTOR + DESCRIPTOR_SECTORS;
  const spareTables = spareDirectory + directorySectors;
  const directory = spareTables + tables * TABLE_SECTORS;
  const firstTable = directory + directorySectors;
  // Data begins on the boundary of a grain, as VirtualBox expects it.
  const data = Math.ceil((firstTable + tables * TABLE_SECTORS) / GRAIN_SECTORS) * GRAIN_SECTORS;
  const grains = Math.ceil(head.length / GRAIN_BYTES);
  const file = Buffer.alloc((data + grains * GRAIN_SECTORS) * SECTOR);

  writeHeader(file, { capacity, spareDirectory, directory, data });
  file.write(
    descriptor({ capacity, uuid, modificationUuid, fileName }),
    DESCRIPTOR_SECTOR * SECTOR,
    'latin1',
  );
  for (const [at, table] of [
    [spareDirectory, spareTables],
    [directory, firstTable],
  ] as const) {
    for (let index = 0; index < tables; index += 1) {
      file.writeUInt32LE(table + index * TABLE_SECTORS, at * SECTOR + index * 4);
    }
    for (let grain = 0; grain < grains; grain += 1) {
      if (isZero(head, grain)) continue;
      file.writeUInt32LE(data + grain * GRAIN_SECTORS, table * SECTOR + grain * 4);
    }
  }
  file.set(head, data * SECTOR);
  return file;
}

function isZero(head: Uint8Array, grain: number): boolean {
  return head.subarray(grain * GRAIN_BYTES, (grain + 1) * GRAIN_BYTES).every((byte) => byte === 0);
}

function writeHeader(
  file: Buffer,
  places: { capacity: number; spareDirectory: number; directory: number; data: number },
): void {
  file.write('KDMV', 0, 'latin1');
  file.writeUInt32LE(1, 4);
  file.writeUInt32LE(FLAGS, 8);
  file.writeBigUInt64LE(BigInt(places.capacity), 12);
  file.writeBigUInt64LE(BigInt(GRAIN_SECTORS), 20);
  file.writeBigUInt64LE(BigInt(DESCRIPTOR_SECTOR), 28);
  file.writeBigUInt64LE(BigInt(DESCRIPTOR_SECTORS), 36);
  file.writeUInt32LE(ENTRIES_PER_TABLE, 44);
  file.writeBigUInt64LE(BigInt(places.spareDirectory), 48);
  file.writeBigUInt64LE(BigInt(places.directory), 56);
  file.writeBigUInt64LE(BigInt(places.data), 64);
  // A clean shutdown, then the characters that a transfer as text would have changed.
  file.write('\0\n \r\n', 72, 'latin1');
}

function descriptor(
  disk: Pick<VmdkDisk, 'uuid' | 'modificationUuid' | 'fileName'> & { capacity: number },
): string {
  const none = '00000000-0000-0000-0000-000000000000';
  const cylinders = Math.min(16383, Math.floor(disk.capacity / (16 * 63)));
  return [
    '# Disk DescriptorFile',
    'version=1',
    `CID=${disk.uuid.slice(0, 8)}`,
    'parentCID=ffffffff',
    'createType="monolithicSparse"',
    '',
    '# Extent description',
    `RW ${disk.capacity} SPARSE "${disk.fileName}"`,
    '',
    '# The disk Data Base ',
    '#DDB',
    '',
    'ddb.virtualHWVersion = "4"',
    'ddb.adapterType="ide"',
    `ddb.geometry.cylinders="${cylinders}"`,
    'ddb.geometry.heads="16"',
    'ddb.geometry.sectors="63"',
    `ddb.uuid.image="${disk.uuid}"`,
    `ddb.uuid.parent="${none}"`,
    `ddb.uuid.modification="${disk.modificationUuid}"`,
    `ddb.uuid.parentmodification="${none}"`,
    '',
  ].join('\n');
}
