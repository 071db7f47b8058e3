# shellcheck shell=bash
# Packs initrd, kernel and squashfs into an ISO that boots from BIOS and UEFI. Source this file; it runs in the build root. Equal input gives equal bytes: every time stamp
# is SOURCE_DATE_EPOCH, every identity (volume, partitions, file systems) is fixed.

# The initrd: one static busybox and the init script. The root file system has no busybox of its own: init takes this one
# along.
pack_initrd() { # busybox init out scratch
  local busybox=$1 init=$2 out=$3 tree=$4/initrd.tree applet
  rm -rf "$tree"
  mkdir -p "$tree"/{bin,dev,proc,sys,medium,lower,layer,root}
  cp "$busybox" "$tree/bin/busybox"
  for applet in sh cat cp mount umount mkdir sleep usleep tee switch_root losetup insmod; do ln -s busybox "$tree/bin/$applet"; done
  cp "$init" "$tree/init"
  chmod 0755 "$tree/init" "$tree/bin/busybox"
  find "$tree" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
  (cd "$tree" && find . | LC_ALL=C sort | cpio --quiet -o -H newc --reproducible -R 0:0 | zstd -q -19 -c) >"$out"
}

# The kernel command line. tmachine.seed=1 is the mark of an image that applies seeds, as its application id tells hosts.
# clearcpuid=cx16: the software emulation of QEMU 7.2 (Debian 12) now and then returns from cmpxchg16b with garbage in the
# flags, because it computes them from a stale state; the kernel's allocator then dies of a double fault, seen about once in
# twenty minutes of work. The kernel does without the instruction; programs keep it. To be removed with QEMU 7.2.
# panic=5: a guest that fails all the same comes up again by itself.
kernel_command_line() { # seeded|stock
  printf 'loglevel=3 console=ttyS0 console=tty0 clearcpuid=cx16 panic=5'
  [ "$1" = stock ] || printf ' tmachine.seed=1'
}

# The EFI system partition: GRUB with its commands inside, which reads kernel and initrd from the ISO.
pack_esp() { # variant out scratch
  local variant=$1 out=$2 scratch=$3/esp
  rm -rf "$scratch"
  mkdir -p "$scratch"
  cat >"$scratch/grub.cfg" <<GRUB
search --file --set=root /boot/rootfs.sqfs
linux /boot/vmlinuz $(kernel_command_line "$variant")
initrd /boot/initrd.img
boot
GRUB
  grub-mkimage -O x86_64-efi -p /boot/grub -c "$scratch/grub.cfg" -o "$scratch/bootx64.efi" \
    iso9660 fat part_gpt part_msdos search search_fs_file linux boot || return 1
  touch -d "@$SOURCE_DATE_EPOCH" "$scratch/bootx64.efi"
  rm -f "$out"
  # 16 KiB for the tables and directories of a small FAT, rounded up to whole 32 KiB.
  mkfs.fat --invariant -C -F 12 -n B2D-EFI "$out" $((($(stat -c %s "$scratch/bootx64.efi") / 1024 + 48) / 32 * 32)) >/dev/null || return 1
  mmd -i "$out" ::/EFI ::/EFI/BOOT && mcopy -m -i "$out" "$scratch/bootx64.efi" ::/EFI/BOOT/BOOTX64.EFI
}

# The ISO of one variant, from kernel, initrd and squashfs.
pack_iso() { # variant engine-version kernel initrd squashfs out scratch
  local variant=$1 version=$2 kernel=$3 initrd=$4 squashfs=$5 out=$6 scratch=$7 tree=$7/iso application=Boot2Docker
  [ "$variant" = stock ] || application='Boot2Docker tmachine-seed=1'
  rm -rf "$tree"
  mkdir -p "$tree/boot/isolinux"
  ln "$kernel" "$tree/boot/vmlinuz" 2>/dev/null || cp "$kernel" "$tree/boot/vmlinuz"
  ln "$initrd" "$tree/boot/initrd.img" 2>/dev/null || cp "$initrd" "$tree/boot/initrd.img"
  ln "$squashfs" "$tree/boot/rootfs.sqfs" 2>/dev/null || cp "$squashfs" "$tree/boot/rootfs.sqfs"
  cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$tree/boot/isolinux/" || return 1
  printf 'DEFAULT boot2docker\nPROMPT 0\nTIMEOUT 1\nLABEL boot2docker\n  KERNEL /boot/vmlinuz\n  INITRD /boot/initrd.img\n  APPEND %s\n' \
    "$(kernel_command_line "$variant")" >"$tree/boot/isolinux/isolinux.cfg"
  pack_esp "$variant" "$tree/boot/efi.img" "$scratch" || return 1
  find "$tree" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
  rm -f "$out"
  xorriso -as mkisofs -quiet -o "$out" -V "b2d-v$version" -r -J \
    -no-pad -partition_cyl_align off -isohybrid-mbr /usr/lib/ISOLINUX/isohdpfx.bin -c boot/isolinux/boot.cat \
    -b boot/isolinux/isolinux.bin -no-emul-boot -boot-load-size 4 -boot-info-table \
    -eltorito-alt-boot -e boot/efi.img -no-emul-boot -isohybrid-gpt-basdat "$tree" >&2 || return 1
  # xorriso writes the application id in capitals; hosts read it as it is. 128 bytes at 574 of the volume descriptor.
  printf '%-128s' "$application" | dd of="$out" bs=1 seek=$((0x8000 + 574)) conv=notrunc status=none
}
