// ELF files, as far as the guest image needs them: x86-64, little endian, program headers only.
// Read by check-elf.mjs and slim-elf.mjs.

export const PT_LOAD = 1;
export const PT_DYNAMIC = 2;
export const PT_INTERP = 3;

const DT_NEEDED = 1n;
const DT_STRTAB = 5n;
const DT_SYMTAB = 6n;
const DT_VERSYM = 0x6ffffff0n;
const DT_VERNEED = 0x6ffffffen;
const DT_VERNEEDNUM = 0x6fffffffn;
const SYMBOL_BYTES = 24;
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

/**
 * The symbols that a file imports: {name, version, library, isData}, in table order. Version and library are null for a
 * symbol without version: the file does not say then which of its libraries it means.
 */
export function importedSymbols(bytes) {
  const headers = programHeaders(bytes);
  const entries = dynamicEntries(bytes, headers);
  const value = (tag) => entries.find((entry) => entry.tag === tag)?.value;
  if (value(DT_VERSYM) === undefined || value(DT_VERNEED) === undefined) return [];
  const strings = fileOffset(headers, value(DT_STRTAB));
  const symbols = fileOffset(headers, value(DT_SYMTAB));
  const versions = fileOffset(headers, value(DT_VERSYM));
  const needs = versionNeeds(bytes, fileOffset(headers, value(DT_VERNEED)), value(DT_VERNEEDNUM), strings);
  const imported = [];
  // The symbol table has no length of its own; what follows it in every file that a linker makes is the names.
  for (let index = 1; symbols + (index + 1) * SYMBOL_BYTES <= strings; index += 1) {
    const at = symbols + index * SYMBOL_BYTES;
    const need = needs.get(bytes.readUInt16LE(versions + index * 2) & 0x7fff);
    const isDefined = bytes.readUInt16LE(at + 6) !== 0;
    const isData = (bytes[at + 4] & 15) === 1;
    // An executable that copies a library's variable has a place for it, and is the one that defines it.
    if (isDefined && !(need && isData)) continue;
    const name = stringAt(bytes, strings + bytes.readUInt32LE(at));
    imported.push({ name, version: null, library: null, ...need, isData });
  }
  return imported;
}

/** Version index -> {library, version}, of the versions that a file asks of others. */
function versionNeeds(bytes, start, count, strings) {
  const needs = new Map();
  let library = start;
  for (let index = 0; index < count; index += 1) {
    const name = stringAt(bytes, strings + bytes.readUInt32LE(library + 4));
    let version = library + bytes.readUInt32LE(library + 8);
    for (let left = bytes.readUInt16LE(library + 2); left > 0; left -= 1) {
      needs.set(bytes.readUInt16LE(version + 6), {
        library: name,
        version: stringAt(bytes, strings + bytes.readUInt32LE(version + 8)),
      });
      version += bytes.readUInt32LE(version + 12);
    }
    library += bytes.readUInt32LE(library + 12);
  }
  return needs;
}
