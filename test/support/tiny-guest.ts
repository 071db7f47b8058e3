/**
 * A guest of one disk sector for a real QEMU (q35, SeaBIOS): writes `tiny guest: up` to its console, then listens for the power button,
 * writes `tiny guest: ready`, and when the button is pressed writes our guest's own mark and switches itself off. Up in 0.2 s.
 */
export function tinyGuest(
  options: {
    /** For so many timer ticks (18 a second) presses are lost, as in a guest that is still booting. */
    readonly bootTicks?: number;
    /** False: it never hears the button. */
    readonly hearsButton?: boolean;
  } = {},
): Uint8Array {
  const { bootTicks = 0, hearsButton = true } = options;
  const sector = new Uint8Array(512);
  sector.set(CODE, 0);
  const view = new DataView(sector.buffer);
  view.setUint16(DELAY_AT, bootTicks, true);
  view.setUint16(ENABLE_AT, hearsButton ? 0x100 : 0, true);
  const texts = ['tiny guest: up\n\0', 'tiny guest: ready\n\0', 'tmachine-guest: shutdown\n\0'];
  sector.set(new TextEncoder().encode(texts.join('')), TEXTS_AT);
  sector.set([0x55, 0xaa], 510);
  return sector;
}

const DELAY_AT = 0x53;
const ENABLE_AT = 0x55;
const TEXTS_AT = 0x57;

/** At 0x7c00; the ports 0x600 to 0x604 are the power management that SeaBIOS sets up, 0x3f8 is the serial port. */
const CODE = [
  [0x31, 0xc0], //             xor  ax, ax
  [0x8e, 0xd8], //             mov  ds, ax
  [0x8e, 0xd0], //             mov  ss, ax
  [0xbc, 0x00, 0x7c], //       mov  sp, 0x7c00
  [0xfc], //                   cld
  [0xfb], //                   sti
  [0xbe, 0x57, 0x7c], //       mov  si, "up"
  [0xe8, 0x36, 0x00], //       call print
  [0x8b, 0x1e, 0x6c, 0x04], // mov  bx, [ticks]
  [0xa1, 0x6c, 0x04], //  boot: mov ax, [ticks]
  [0x29, 0xd8], //             sub  ax, bx
  [0x3b, 0x06, 0x53, 0x7c], // cmp  ax, [delay]
  [0x72, 0xf5], //             jb   boot
  [0xba, 0x02, 0x06], //       mov  dx, 0x602     event enable
  [0xa1, 0x55, 0x7c], //       mov  ax, [enable]  the power button, or nothing
  [0xef], //                   out  dx, ax
  [0xbe, 0x67, 0x7c], //       mov  si, "ready"
  [0xe8, 0x1a, 0x00], //       call print
  [0xf4], //             look: hlt                to the next tick
  [0xba, 0x00, 0x06], //       mov  dx, 0x600     event status
  [0xed], //                   in   ax, dx
  [0xf6, 0xc4, 0x01], //       test ah, 1         pressed?
  [0x74, 0xf6], //             jz   look
  [0xbe, 0x7a, 0x7c], //       mov  si, "shutdown"
  [0xe8, 0x0a, 0x00], //       call print
  [0xba, 0x04, 0x06], //       mov  dx, 0x604     power control
  [0xb8, 0x00, 0x20], //       mov  ax, 0x2000    off
  [0xef], //                   out  dx, ax
  [0xf4], //              end: hlt
  [0xeb, 0xfd], //             jmp  end
  [0xba, 0xf8, 0x03], // print: mov dx, 0x3f8
  [0xac], //             next: lodsb
  [0x84, 0xc0], //             test al, al
  [0x74, 0x03], //             jz   done
  [0xee], //                   out  dx, al
  [0xeb, 0xf5], //             jmp  print
  [0xc3], //             done: ret
].flat();
