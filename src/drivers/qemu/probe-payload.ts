/** Where the payload answers, and with what: QEMU's isa-debug-exit device makes the exit code 2 x value + 1 of it. */
export const PROBE_PORT = 0xf4;
const PROBE_VALUE = 0x2a;
export const PROBE_EXIT_CODE = 2 * PROBE_VALUE + 1;

/**
 * The boot sector at 0x7c00 that asks whether an accelerator runs ordinary guests: from real mode through page tables into 64-bit mode, as
 * every Linux does, then one byte to the debug port. Some hosts have a /dev/kvm that opens well and then never gets that far.
 */
const CODE = [
  [0xfa], //                                     cli
  [0xfc], //                                     cld
  [0x31, 0xc0], //                               xor  ax, ax
  [0x8e, 0xd8], //                               mov  ds, ax
  [0x8e, 0xc0], //                               mov  es, ax
  [0xbf, 0x00, 0x10], //                         mov  di, 0x1000      three page tables, zeroed
  [0xb9, 0x00, 0x18], //                         mov  cx, 0x1800
  [0xf3, 0xab], //                               rep  stosw
  [0xc7, 0x06, 0x00, 0x10, 0x03, 0x20], //       mov  word [0x1000], 0x2003   level 4 -> level 3
  [0xc7, 0x06, 0x00, 0x20, 0x03, 0x30], //       mov  word [0x2000], 0x3003   level 3 -> level 2
  [0xc7, 0x06, 0x00, 0x30, 0x83, 0x00], //       mov  word [0x3000], 0x0083   the first 2 MiB, as they are
  [0x66, 0xb8, 0x20, 0x00, 0x00, 0x00], //       mov  eax, 0x20       physical address extension
  [0x0f, 0x22, 0xe0], //                         mov  cr4, eax
  [0x66, 0xb8, 0x00, 0x10, 0x00, 0x00], //       mov  eax, 0x1000
  [0x0f, 0x22, 0xd8], //                         mov  cr3, eax
  [0x66, 0xb9, 0x80, 0x00, 0x00, 0xc0], //       mov  ecx, 0xc0000080 EFER
  [0x0f, 0x32], //                               rdmsr
  [0x80, 0xcc, 0x01], //                         or   ah, 1           long mode enable
  [0x0f, 0x30], //                               wrmsr
  [0x0f, 0x01, 0x16, 0x78, 0x7c], //             lgdt [gdt pointer]
  [0x0f, 0x20, 0xc0], //                         mov  eax, cr0
  [0x66, 0x0d, 0x01, 0x00, 0x00, 0x80], //       or   eax, 0x80000001 protection and paging
  [0x0f, 0x22, 0xc0], //                         mov  cr0, eax
  [0xea, 0x57, 0x7c, 0x08, 0x00], //             jmp  8:next instruction, now 64-bit
  [0xb0, PROBE_VALUE], //                        mov  al, the answer
  [0x66, 0xba, PROBE_PORT, 0x00], //             mov  dx, the debug port
  [0xee], //                                     out  dx, al
  [0xf4], //                                     hlt                  where the device is missing
  [0xeb, 0xfd], //                               jmp  back to hlt
  [0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90], // to a multiple of 8
  [0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00], // descriptor 0
  [0x00, 0x00, 0x00, 0x00, 0x00, 0x9a, 0x20, 0x00], // descriptor 8: 64-bit code
  [0x0f, 0x00, 0x68, 0x7c, 0x00, 0x00], //       gdt pointer: 16 bytes at 0x7c68
].flat();

const SECTOR_BYTES = 512;

/** The payload as a disk of one sector. */
export function probePayload(): Uint8Array {
  const sector = new Uint8Array(SECTOR_BYTES);
  sector.set(CODE, 0);
  sector.set([0x55, 0xaa], SECTOR_BYTES - 2);
  return sector;
}
