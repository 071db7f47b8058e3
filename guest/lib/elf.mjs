// ELF files, as far as the guest image needs them: x86-64, little endian, program headers only.
// Read by check-elf.mjs and slim-elf.mjs.

export const PT_LOAD = 1;
export const PT_DYNAMIC = 2;
export const PT_INTERP = 3;

const DT_NEEDED = 1n;
const DT_STRTAB = 5n;
const DT_RPATH = 15n;
const DT_RUNPATH = 29n;

/** True if the bytes begin an ELF file for x86-64. */
export function isElf(bytes) {
  return (
    bytes.length > 64 &&
    bytes.readUInt32BE(0) === 0x7f454c46 &&
    bytes[4] === 2 &&
    bytes.readUInt16LE(18) === 62
  );
}

/** The program headers of an ELF file. Offsets and sizes are numbers (files here are far below 2^53 bytes). */
export function programHeaders(bytes) {
  const start = Number(bytes.readBigUInt64LE(32));
  const size = bytes.readUInt16LE(54);
  return Array.from({ length: bytes.readUInt16LE(56) }, (_, index) => {
    const at = start + index * size;
    return {
      at,
      type: bytes.readUInt32LE(at),
      flags: bytes.readUInt32LE(at + 4),
      offset: Number(bytes.readBigUInt64LE(at + 8)),
      address: Number(bytes.readBigUInt64LE(at + 16)),
      fileSize: Number(bytes.readBigUInt64LE(at + 32)),
      memorySize: Number(bytes.readBigUInt64LE(at + 40)),
    };
  });
}

/** The place in the file of a virtual address; throws when no loaded segment has it. */
export function fileOffset(headers, address) {
  const segment = headers.find(
    (header) =>
      header.type === PT_LOAD && address >= header.address && address < header.address + header.fileSize,
  );
  if (!segment) throw new Error(`address 0x${address.toString(16)} is in no loaded segment`);
  return segment.offset + (address - segment.address);
}

/** The dynamic section as a list of {at, tag, value}; empty for a static file. */
export function dynamicEntries(bytes, headers = programHeaders(bytes)) {
  const dynamic = headers.find((header) => header.type === PT_DYNAMIC);
  const entries = [];
  for (let at = dynamic?.offset ?? 0; dynamic && at < dynamic.offset + dynamic.fileSize; at += 16) {
    const tag = bytes.readBigInt64LE(at);
    if (tag === 0n) break;
    entries.push({ at, tag, value: Number(bytes.readBigUInt64LE(at + 8)) });
  }
  return entries;
}

/** The zero-terminated string at a place in the file. */
export function stringAt(bytes, offset) {
  return bytes.toString('latin1', offset, bytes.indexOf(0, offset));
}

/** What the loader must find for this file: interpreter, libraries, and extra directories to look in. */
export function loaderNeeds(bytes) {
  const headers = programHeaders(bytes);
  const entries = dynamicEntries(bytes, headers);
  const interpreter = headers.find((header) => header.type === PT_INTERP);
  const strings = entries.find((entry) => entry.tag === DT_STRTAB);
  const named = (...tags) =>
    entries
      .filter((entry) => tags.includes(entry.tag))
      .map((entry) => stringAt(bytes, fileOffset(headers, strings.value) + entry.value));
  return {
    interpreter: interpreter ? stringAt(bytes, interpreter.offset) : null,
    libraries: named(DT_NEEDED),
    directories: named(DT_RPATH, DT_RUNPATH).flatMap((path) => path.split(':')),
  };
}
