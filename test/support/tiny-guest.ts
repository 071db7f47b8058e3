/** Where a computer's power management is, and what switches it off. */
interface PowerPorts {
  readonly base: number;
  readonly off: number;
}

/** QEMU's q35 as SeaBIOS sets it up; VirtualBox's PIIX3 (both read off the running firmware). */
const QEMU_POWER: PowerPorts = { base: 0x600, off: 0x2000 };
const VIRTUALBOX_POWER: PowerPorts = { base: 0x4000, off: 0x3400 };

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
    readonly power?: PowerPorts;
  } = {},
): Uint8Array {
  const { bootTicks = 0, hearsButton = true, power = QEMU_POWER } = options;
  const sector = new Uint8Array(512);
  sector.set(CODE, 0);
  const view = new DataView(sector.buffer);
  view.setUint16(DELAY_AT, bootTicks, true);
  view.setUint16(ENABLE_AT, hearsButton ? 0x100 : 0, true);
  view.setUint16(ENABLE_PORT_AT, power.base + 2, true);
  // VirtualBox notes a press that nobody asked for: who is not to hear it reads what was asked for instead, nothing.
  view.setUint16(STATUS_PORT_AT, power.base + (hearsButton ? 0 : 2), true);
  view.setUint16(CONTROL_PORT_AT, power.base + 4, true);
  view.setUint16(OFF_AT, power.off, true);
  const texts = ['tiny guest: up\n\0', 'tiny guest: ready\n\0', 'tmachine-guest: shutdown\n\0'];
  sector.set(new TextEncoder().encode(texts.join('')), TEXTS_AT);
  sector.set([0x55, 0xaa], 510);
  return sector;
}

/** The same guest on a CD that VirtualBox boots, in a boot2docker image of that volume id. */
export function tinyGuestImage(options: {
  readonly volumeId: string;
  readonly hearsButton?: boolean;
}): Uint8Array {
  const image = new Uint8Array(SECTORS * SECTOR);
  const view = new DataView(image.buffer);
  const text = (at: number, value: string) => image.set(new TextEncoder().encode(value), at);
  for (const [sector, type] of [
    [16, 1],
    [17, 0],
    [18, 255],
  ] as const) {
    image[sector * SECTOR] = type;
    text(sector * SECTOR + 1, 'CD001\x01');
  }
  const volume = 16 * SECTOR;
  text(volume + 40, options.volumeId.padEnd(32));
  view.setUint32(volume + 80, SECTORS, true);
  view.setUint32(volume + 84, SECTORS, false);
  view.setUint16(volume + 128, SECTOR, true);
  view.setUint16(volume + 130, SECTOR, false);
  text(17 * SECTOR + 7, 'EL TORITO SPECIFICATION');
  view.setUint32(17 * SECTOR + 71, CATALOG, true);
  // The validation entry, whose words add up to nothing, and the one bootable entry: one sector of 512 bytes, no emulated drive.
  const catalog = CATALOG * SECTOR;
  image.set([1], catalog);
  view.setUint16(catalog + 28, 0x10000 - 0xaa55 - 1, true);
  image.set([0x55, 0xaa], catalog + 30);
  image.set([0x88], catalog + 32);
  view.setUint16(catalog + 38, 1, true);
  view.setUint32(catalog + 40, BOOT, true);
  const { hearsButton = true } = options;
  image.set(tinyGuest({ hearsButton, power: VIRTUALBOX_POWER }), BOOT * SECTOR);
  return image;
}

const SECTOR = 2048;
const SECTORS = 300;
const CATALOG = 19;
const BOOT = 20;

const ENABLE_PORT_AT = 0x21;
const STATUS_PORT_AT = 0x2f;
const CONTROL_PORT_AT = 0x3e;
const OFF_AT = 0x41;
const DELAY_AT = 0x5e;
const ENABLE_AT = 0x60;
const TEXTS_AT = 0x62;

/** At 0x7c00; the ports 0x600 to 0x604 are QEMU's power management, 0x3f8 is the serial port. */
const CODE = [
  [0x31, 0xc0], //             xor  ax, ax
  [0x8e, 0xd8], //             mov  ds, ax
  [0x8e, 0xd0], //             mov  ss, ax
  [0xbc, 0x00, 0x7c], //       mov  sp, 0x7c00
  [0xfc], //                   cld
  [0xfb], //                   sti
  [0xbe, 0x62, 0x7c], //       mov  si, "up"
  [0xe8, 0x36, 0x00], //       call print
  [0x8b, 0x1e, 0x6c, 0x04], // mov  bx, [ticks]
  [0xa1, 0x6c, 0x04], //  boot: mov ax, [ticks]
  [0x29, 0xd8], //             sub  ax, bx
  [0x3b, 0x06, 0x5e, 0x7c], // cmp  ax, [delay]
  [0x72, 0xf5], //             jb   boot
  [0xba, 0x02, 0x06], //       mov  dx, 0x602     event enable
  [0xa1, 0x60, 0x7c], //       mov  ax, [enable]  the power button, or nothing
  [0xef], //                   out  dx, ax
  [0xbe, 0x72, 0x7c], //       mov  si, "ready"
  [0xe8, 0x1a, 0x00], //       call print
  [0xf4], //             look: hlt                to the next tick
  [0xba, 0x00, 0x06], //       mov  dx, 0x600     event status
  [0xed], //                   in   ax, dx
  [0xf6, 0xc4, 0x01], //       test ah, 1         pressed?
  [0x74, 0xf6], //             jz   look
  [0xbe, 0x85, 0x7c], //       mov  si, "shutdown"
  [0xe8, 0x0a, 0x00], //       call print
  [0xba, 0x04, 0x06], //       mov  dx, 0x604     power control
  [0xb8, 0x00, 0x20], //       mov  ax, 0x2000    off
  [0xef], //                   out  dx, ax
  [0xf4], //              end: hlt
  [0xeb, 0xfd], //             jmp  end
  [0xac], //            print: lodsb
  [0x84, 0xc0], //             test al, al
  [0x74, 0x11], //             jz   done
  [0x88, 0xc4], //             mov  ah, al
  [0xba, 0xfd, 0x03], //       mov  dx, 0x3fd     the serial port's state
  [0xec], //             full: in   al, dx
  [0xa8, 0x20], //             test al, 0x20      takes another letter?
  [0x74, 0xfb], //             jz   full
  [0xb2, 0xf8], //             mov  dl, 0xf8
  [0x88, 0xe0], //             mov  al, ah
  [0xee], //                   out  dx, al
  [0xeb, 0xea], //             jmp  print
  [0xc3], //             done: ret
].flat();
