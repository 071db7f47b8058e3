const CLUSTER_BITS = 16;
const CLUSTER = 1 << CLUSTER_BITS;
/** One entry of a second-level table leads to one cluster; a table fills one cluster. */
const ENTRIES_PER_TABLE = CLUSTER / 8;
const REFCOUNT_BYTES = 2;
const HEADER_BYTES = 104;
/** Set in a table entry: the cluster belongs to this table alone and may be written in place. */
const COPIED = 1n << 63n;

/**
 * A qcow2 (version 3) image that reads as `head` followed by zeros up to `sizeBytes`: what qemu-img would make of it, but at once and without
 * a raw copy of the head, keys included, beside it. Format: QEMU, docs/interop/qcow2.txt. Throws RangeError for a head that is no disk's head.
 */
export function makeQcow2(sizeBytes: number, head: Uint8Array): Uint8Array {
  const usedClusters = Math.ceil(head.length / CLUSTER);
  if (usedClusters > ENTRIES_PER_TABLE || head.length > sizeBytes) {
    throw new RangeError(`a head of ${head.length} bytes does not fit a disk of ${sizeBytes} bytes`);
  }
  const size = Math.ceil(sizeBytes / 512) * 512;
  const firstLevelEntries = Math.ceil(size / (CLUSTER * ENTRIES_PER_TABLE));
  const firstLevelClusters = Math.ceil((firstLevelEntries * 8) / CLUSTER);

  // In this order, each whole clusters: header, refcount table, refcount block, first-level table, second-level table, head.
  const refcountTable = CLUSTER;
  const refcountBlock = 2 * CLUSTER;
  const firstLevel = 3 * CLUSTER;
  const secondLevel = firstLevel + firstLevelClusters * CLUSTER;
  const content = secondLevel + CLUSTER;
  const clusters = content / CLUSTER + usedClusters;

  const image = new Uint8Array(clusters * CLUSTER);
  const view = new DataView(image.buffer);
  putHeader(view, { size, firstLevelEntries, firstLevel, refcountTable });
  view.setBigUint64(refcountTable, BigInt(refcountBlock));
  for (let cluster = 0; cluster < clusters; cluster += 1) {
    view.setUint16(refcountBlock + cluster * REFCOUNT_BYTES, 1);
  }
  view.setBigUint64(firstLevel, BigInt(secondLevel) | COPIED);
  for (let cluster = 0; cluster < usedClusters; cluster += 1) {
    view.setBigUint64(secondLevel + cluster * 8, BigInt(content + cluster * CLUSTER) | COPIED);
  }
  image.set(head, content);
  return image;
}

function putHeader(
  view: DataView,
  image: { size: number; firstLevelEntries: number; firstLevel: number; refcountTable: number },
): void {
  view.setUint32(0, 0x514649fb); // "QFI" and 0xfb
  view.setUint32(4, 3);
  view.setUint32(20, CLUSTER_BITS);
  view.setBigUint64(24, BigInt(image.size));
  view.setUint32(36, image.firstLevelEntries);
  view.setBigUint64(40, BigInt(image.firstLevel));
  view.setBigUint64(48, BigInt(image.refcountTable));
  view.setUint32(56, 1); // clusters of the refcount table
  view.setUint32(96, 4); // a reference count has 2^4 bits
  view.setUint32(100, HEADER_BYTES);
}
