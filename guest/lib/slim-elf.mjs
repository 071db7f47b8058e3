// node slim-elf.mjs FILE...: rewrites big Go programs in place so that they are smaller and start sooner.
//
// Debian links Docker's programs with every Go symbol exported (for Go plugins, which nobody uses here) and as
// position-independent executables. For dockerd that is 16 MB of symbol names and hashes, and 342,000 relocations that
// the loader must apply at every start, touching 31 MB of memory that could have stayed in the file. This program
//   1. empties the dynamic symbol table but for what the program itself imports,
//   2. applies the relative relocations once, for a fixed address, and makes the program an ordinary executable,
//   3. drops the section table, which only debuggers read,
//   4. empties the tables that lead from code to source lines: a third of what Go keeps for every function, and nothing
//      but a crash report reads them. Reports then have function names and offsets, from which Debian's own program
//      gives the line, instead of lines.
// Code stays byte for byte what Debian built. The price of 2 is a fixed address for the programs' own image, as Go's
// default build mode has it.
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { dynamicEntries, fileOffset, isElf, PT_LOAD, programHeaders, stringAt } from './elf.mjs';

const ET_EXEC = 2;
const ET_DYN = 3;
const BASE_ADDRESS = 0x400000;

const DT = {
  needed: 1n,
  pltRelocationsSize: 2n,
  pltGot: 3n,
  hash: 4n,
  strings: 5n,
  symbols: 6n,
  relocations: 7n,
  relocationsSize: 8n,
  stringsSize: 10n,
  init: 12n,
  fini: 13n,
  soname: 14n,
  rpath: 15n,
  textRelocations: 22n,
  pltRelocations: 23n,
  initArray: 25n,
  finiArray: 26n,
  runpath: 29n,
  preinitArray: 32n,
  packedRelocations: 36n,
  gnuHash: 0x6ffffef5n,
  versions: 0x6ffffff0n,
  relativeCount: 0x6ffffff9n,
  flags1: 0x6ffffffbn,
  versionDefinitions: 0x6ffffffcn,
  versionNeeds: 0x6ffffffen,
  versionNeedsCount: 0x6fffffffn,
};
const DF_1_PIE = 0x08000000n;

const POINTER_TAGS = new Set([
  DT.pltGot,
  DT.strings,
  DT.symbols,
  DT.relocations,
  DT.init,
  DT.fini,
  DT.pltRelocations,
  DT.initArray,
  DT.finiArray,
  DT.preinitArray,
  DT.gnuHash,
  DT.versions,
  DT.versionNeeds,
]);
const STRING_TAGS = new Set([DT.needed, DT.soname, DT.rpath, DT.runpath]);

const R = {
  address64: 1,
  copy: 5,
  globDat: 6,
  jumpSlot: 7,
  relative: 8,
  tlsModule: 16,
  tlsOffset: 18,
  indirect: 37,
};
const SYMBOL_BYTES = 24;
const RELOCATION_BYTES = 24;

/**
 * The slimmed form of a Go program. Throws an Error with a sentence when the file has something this program was not
 * written for; the caller then keeps the file as it is.
 */
export function slimElf(original) {
  return withoutLineTables(fixedAddressProgram(original));
}

/** Steps 1 to 3: a program without exports, at a fixed address, without section table. For any language. */
function fixedAddressProgram(original) {
  if (!isElf(original)) throw new Error('not an ELF program for x86-64');
  const bytes = Buffer.from(original);
  const headers = programHeaders(bytes);
  const entries = dynamicEntries(bytes, headers);
  const entry = (tag) => entries.find((candidate) => candidate.tag === tag);
  const value = (tag) => entry(tag)?.value;
  const at = (tag) => fileOffset(headers, value(tag));
  for (const [name, tag] of Object.entries({
    hash: DT.hash,
    text: DT.textRelocations,
    packed: DT.packedRelocations,
  })) {
    if (entry(tag)) throw new Error(`its dynamic section has an entry (${name}) that is not expected`);
  }
  for (const tag of [DT.strings, DT.symbols, DT.gnuHash, DT.versions, DT.versionNeeds, DT.relocations]) {
    if (!entry(tag)) throw new Error(`its dynamic section lacks entry 0x${tag.toString(16)}`);
  }
  if (entry(DT.versionDefinitions) || entry(DT.soname)) throw new Error('it is a library');

  const relocations = readRelocations(bytes, at(DT.relocations), value(DT.relocationsSize));
  const pltRelocations = entry(DT.pltRelocations)
    ? readRelocations(bytes, at(DT.pltRelocations), value(DT.pltRelocationsSize))
    : [];
  dropExportedSymbols(bytes, { entries, at, value, relocations, pltRelocations });

  const type = bytes.readUInt16LE(16);
  if (type !== ET_DYN && type !== ET_EXEC) throw new Error(`ELF type ${type} is not a program`);
  const base = type === ET_DYN ? BASE_ADDRESS : 0;
  if (base !== 0 && headers.find((header) => header.type === PT_LOAD).address !== 0) {
    throw new Error('its first segment is not at address 0');
  }
  const left = base === 0 ? relocations : applyRelative(bytes, headers, relocations, base);
  if (base !== 0) moveTo(bytes, base, { headers, entries, at, value, left, pltRelocations });
  writeRelocations(bytes, at(DT.relocations), value(DT.relocationsSize), left);
  if (pltRelocations.length > 0) {
    writeRelocations(bytes, at(DT.pltRelocations), value(DT.pltRelocationsSize), pltRelocations);
  }
  setValue(bytes, entry(DT.relocationsSize), left.length * RELOCATION_BYTES);
  if (entry(DT.relativeCount)) setValue(bytes, entry(DT.relativeCount), 0);
  return withoutSections(bytes, headers);
}

function setValue(bytes, entry, value) {
  bytes.writeBigUInt64LE(BigInt(value), entry.at + 8);
}

function readRelocations(bytes, offset, size) {
  return Array.from({ length: size / RELOCATION_BYTES }, (_, index) => {
    const at = offset + index * RELOCATION_BYTES;
    return {
      address: Number(bytes.readBigUInt64LE(at)),
      type: bytes.readUInt32LE(at + 8),
      symbol: bytes.readUInt32LE(at + 12),
      addend: bytes.readBigInt64LE(at + 16),
    };
  });
}

function writeRelocations(bytes, offset, size, relocations) {
  bytes.fill(0, offset, offset + size);
  relocations.forEach((relocation, index) => {
    const at = offset + index * RELOCATION_BYTES;
    bytes.writeBigUInt64LE(BigInt(relocation.address), at);
    bytes.writeUInt32LE(relocation.type, at + 8);
    bytes.writeUInt32LE(relocation.symbol, at + 12);
    bytes.writeBigInt64LE(relocation.addend, at + 16);
  });
}

/** Rewrites symbol table, versions, names and hash in place, with only what relocations and the loader ask for. */
function dropExportedSymbols(bytes, { entries, at, value, relocations, pltRelocations }) {
  const symbolsAt = at(DT.symbols);
  const stringsAt = at(DT.strings);
  const versionsAt = at(DT.versions);
  const count = symbolCount(bytes, at(DT.gnuHash));
  const read = (index) => {
    const start = symbolsAt + index * SYMBOL_BYTES;
    return {
      index,
      name: stringAt(bytes, stringsAt + bytes.readUInt32LE(start)),
      isDefined: bytes.readUInt16LE(start + 6) !== 0,
      record: Buffer.from(bytes.subarray(start, start + SYMBOL_BYTES)),
      version: bytes.readUInt16LE(versionsAt + index * 2),
    };
  };
  const referenced = new Set([...relocations, ...pltRelocations].map((relocation) => relocation.symbol));
  const kept = [];
  for (let index = 0; index < count; index += 1) {
    const isDefined = bytes.readUInt16LE(symbolsAt + index * SYMBOL_BYTES + 6) !== 0;
    if (index === 0 || !isDefined || referenced.has(index)) kept.push(read(index));
  }
  // The hash table covers the defined symbols, which must be the last ones.
  const order = [...kept.filter((symbol) => !symbol.isDefined), ...kept.filter((symbol) => symbol.isDefined)];
  const newIndex = new Map(order.map((symbol, index) => [symbol.index, index]));

  const names = new Map([['', 0]]);
  let strings = '\0';
  const nameOffset = (name) => {
    if (!names.has(name)) {
      names.set(name, strings.length);
      strings += `${name}\0`;
    }
    return names.get(name);
  };
  for (const entry of entries) {
    if (STRING_TAGS.has(entry.tag))
      setValue(bytes, entry, nameOffset(stringAt(bytes, stringsAt + entry.value)));
  }
  forEachVersionName(bytes, at(DT.versionNeeds), value(DT.versionNeedsCount), (place) => {
    bytes.writeUInt32LE(nameOffset(stringAt(bytes, stringsAt + bytes.readUInt32LE(place))), place);
  });
  for (const symbol of order) symbol.record.writeUInt32LE(nameOffset(symbol.name), 0);

  bytes.fill(0, symbolsAt, symbolsAt + count * SYMBOL_BYTES);
  bytes.fill(0, versionsAt, versionsAt + count * 2);
  order.forEach((symbol, index) => {
    symbol.record.copy(bytes, symbolsAt + index * SYMBOL_BYTES);
    bytes.writeUInt16LE(symbol.version, versionsAt + index * 2);
  });
  const stringsEntry = entries.find((entry) => entry.tag === DT.stringsSize);
  bytes.fill(0, stringsAt, stringsAt + stringsEntry.value);
  bytes.write(strings, stringsAt, 'latin1');
  setValue(bytes, stringsEntry, strings.length);
  const hashAt = at(DT.gnuHash);
  const hashEnd = Math.min(...[symbolsAt, stringsAt, versionsAt].filter((place) => place > hashAt));
  writeGnuHash(bytes, hashAt, hashEnd, order);
  for (const relocation of [...relocations, ...pltRelocations]) {
    relocation.symbol = newIndex.get(relocation.symbol);
  }
}

/** The number of dynamic symbols, which only the end of the last hash chain tells. */
function symbolCount(bytes, hashAt) {
  const buckets = bytes.readUInt32LE(hashAt);
  const first = bytes.readUInt32LE(hashAt + 4);
  const bucketsAt = hashAt + 16 + bytes.readUInt32LE(hashAt + 8) * 8;
  let last = 0;
  for (let index = 0; index < buckets; index += 1)
    last = Math.max(last, bytes.readUInt32LE(bucketsAt + index * 4));
  if (last < first) return first;
  const chainsAt = bucketsAt + buckets * 4;
  while ((bytes.readUInt32LE(chainsAt + (last - first) * 4) & 1) === 0) last += 1;
  return last + 1;
}

/** One bucket and a filter that lets everything pass: right for a handful of symbols. */
function writeGnuHash(bytes, start, end, symbols) {
  const defined = symbols.filter((symbol) => symbol.isDefined);
  const size = 16 + 8 + 4 + defined.length * 4;
  if (start + size > end) throw new Error('its hash table is too small to be rewritten');
  bytes.fill(0, start, end);
  bytes.writeUInt32LE(1, start);
  bytes.writeUInt32LE(symbols.length - defined.length, start + 4);
  bytes.writeUInt32LE(1, start + 8);
  bytes.fill(defined.length > 0 ? 0xff : 0, start + 16, start + 24);
  bytes.writeUInt32LE(defined.length > 0 ? symbols.length - defined.length : 0, start + 24);
  defined.forEach((symbol, index) => {
    const isLast = index === defined.length - 1;
    bytes.writeUInt32LE(((gnuHash(symbol.name) & ~1) | (isLast ? 1 : 0)) >>> 0, start + 28 + index * 4);
  });
}

function gnuHash(name) {
  let hash = 5381;
  for (const byte of Buffer.from(name, 'latin1')) hash = (Math.imul(hash, 33) + byte) >>> 0;
  return hash;
}

/** Calls back with the place of every string offset in the version needs: one per library, one per version. */
function forEachVersionName(bytes, start, count, callback) {
  let library = start;
  for (let index = 0; index < count; index += 1) {
    let version = library + bytes.readUInt32LE(library + 8);
    for (let left = bytes.readUInt16LE(library + 2); left > 0; left -= 1) {
      callback(version + 8);
      version += bytes.readUInt32LE(version + 12);
    }
    callback(library + 4);
    library += bytes.readUInt32LE(library + 12);
  }
}

/** Writes what the relative relocations would write, for a program at base; returns the relocations that are left. */
function applyRelative(bytes, headers, relocations, base) {
  const left = [];
  for (const relocation of relocations) {
    if (relocation.type !== R.relative) {
      left.push(relocation);
      continue;
    }
    bytes.writeBigInt64LE(relocation.addend + BigInt(base), fileOffset(headers, relocation.address));
  }
  return left;
}

/** Turns a position-independent program into one for a fixed address. */
function moveTo(bytes, base, { headers, entries, at, value, left, pltRelocations }) {
  const add = (place) => bytes.writeBigUInt64LE(bytes.readBigUInt64LE(place) + BigInt(base), place);
  for (const relocation of [...left, ...pltRelocations]) {
    if (relocation.type === R.indirect) relocation.addend += BigInt(base);
    else if (relocation.type === R.jumpSlot) {
      // Before it is bound, a slot leads back into the program's own jump table.
      const slot = fileOffset(headers, relocation.address);
      if (bytes.readBigUInt64LE(slot) !== 0n) add(slot);
    } else if (![R.globDat, R.copy, R.address64, R.tlsModule, R.tlsOffset].includes(relocation.type)) {
      throw new Error(`it has a relocation of type ${relocation.type}`);
    } else if (relocation.type === R.address64 && relocation.symbol === 0) {
      throw new Error('it has an absolute relocation without a symbol');
    }
    relocation.address += base;
  }
  const symbolsAt = at(DT.symbols);
  const symbols = symbolCountAfter(left, pltRelocations, bytes, at(DT.gnuHash));
  for (let index = 1; index < symbols; index += 1) {
    const start = symbolsAt + index * SYMBOL_BYTES;
    const isThreadLocal = (bytes[start + 4] & 15) === 6;
    if (bytes.readUInt16LE(start + 6) !== 0 && !isThreadLocal) add(start + 8);
  }
  if (value(DT.pltGot) !== undefined) {
    const dynamic = headers.find((header) => header.type === 2);
    const got = at(DT.pltGot);
    if (Number(bytes.readBigUInt64LE(got)) === dynamic.address) add(got);
  }
  for (const entry of entries) {
    if (POINTER_TAGS.has(entry.tag)) setValue(bytes, entry, entry.value + base);
    if (entry.tag === DT.flags1) setValue(bytes, entry, BigInt(entry.value) & ~DF_1_PIE);
  }
  for (const header of headers) {
    if (header.memorySize === 0) continue;
    add(header.at + 16);
    add(header.at + 24);
  }
  add(24);
  bytes.writeUInt16LE(ET_EXEC, 16);
}

function symbolCountAfter(left, pltRelocations, bytes, hashAt) {
  const undefinedCount = bytes.readUInt32LE(hashAt + 4);
  const last = Math.max(0, ...[...left, ...pltRelocations].map((relocation) => relocation.symbol));
  return Math.max(undefinedCount, last + 1);
}

// The header of Go's function table since Go 1.20: magic, two zero bytes, instruction size 1, pointer size 8, then
// counts and offsets of 8 bytes each (runtime/symtab.go, pcHeader).
const PCLN_MAGIC = Buffer.from([0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8]);
const PCLN = { functions: 8, fileOffsets: 40, valueTables: 56, functionTable: 64 };
// Fields of a function's record (runtime/runtime2.go, _func): offsets into the value tables.
const FUNC = { stackDepth: 16, file: 20, line: 24, tableCount: 28, tables: 44 };

/** Step 4: a Go program without what only the way from an address to a source line uses. */
function withoutLineTables(original) {
  const bytes = Buffer.from(original);
  const header = findFunctionTable(bytes);
  if (header === -1) throw new Error('it has no function table of a known form');
  const offset = (field) => Number(bytes.readBigUInt64LE(header + field));
  const count = offset(PCLN.functions);
  const values = header + offset(PCLN.valueTables);
  const functions = header + offset(PCLN.functionTable);
  const needed = new Uint8Array(functions - values);
  const needTable = (start) => {
    if (start !== 0) needed.fill(1, start, valueTableEnd(bytes, values + start) - values);
  };
  const records = Array.from(
    { length: count },
    (_, index) => functions + bytes.readUInt32LE(functions + index * 8 + 4),
  );
  for (const record of records) {
    needTable(bytes.readUInt32LE(record + FUNC.stackDepth));
    for (let left = bytes.readUInt32LE(record + FUNC.tableCount) - 1; left >= 0; left -= 1) {
      needTable(bytes.readUInt32LE(record + FUNC.tables + left * 4));
    }
  }
  // Offset 0 means "no such table" to the runtime, which then answers "?" and line 0.
  for (const record of records) {
    bytes.writeUInt32LE(0, record + FUNC.file);
    bytes.writeUInt32LE(0, record + FUNC.line);
  }
  needed.forEach((isNeeded, index) => {
    if (!isNeeded) bytes[values + index] = 0;
  });
  // The lists of source files, reached through the tables just emptied.
  bytes.fill(0, header + offset(PCLN.fileOffsets), values);
  return bytes;
}

function findFunctionTable(bytes) {
  for (let at = bytes.indexOf(PCLN_MAGIC); at !== -1; at = bytes.indexOf(PCLN_MAGIC, at + 1)) {
    const field = (offset) => Number(bytes.readBigUInt64LE(at + offset));
    const isOrdered =
      field(32) < field(40) && field(40) < field(48) && field(48) < field(56) && field(56) < field(64);
    if (at % 32 === 0 && isOrdered && field(8) > 0 && at + field(64) + field(8) * 8 < bytes.length) return at;
  }
  return -1;
}

/** A value table is pairs of variable-length numbers; a zero where a pair begins, but for the first, ends it. */
function valueTableEnd(bytes, start) {
  let at = start;
  const skipNumber = () => {
    while ((bytes[at] & 0x80) !== 0) at += 1;
    at += 1;
  };
  do {
    skipNumber();
    skipNumber();
  } while (bytes[at] !== 0);
  return at + 1;
}

/** Without section table, and without what lies behind the last byte that is loaded. */
function withoutSections(bytes, headers) {
  bytes.writeBigUInt64LE(0n, 40);
  bytes.writeUInt16LE(0, 60);
  bytes.writeUInt16LE(0, 62);
  const end = Math.max(...headers.map((header) => header.offset + header.fileSize));
  return bytes.subarray(0, end);
}

if (process.argv[1] && import.meta.filename === process.argv[1]) {
  for (const path of process.argv.slice(2)) {
    const before = readFileSync(path);
    try {
      const after = slimElf(before);
      const { mode } = statSync(path);
      writeFileSync(path, after, { mode });
      process.stderr.write(
        `guest: ${path}: ${before.length} -> ${after.length} bytes, fixed address, no exports, no line tables\n`,
      );
    } catch (error) {
      // A bigger image is better than none: a later version of a program may have something new.
      process.stderr.write(`guest: ${path} stays as Debian built it: ${error.message}\n`);
    }
  }
}
