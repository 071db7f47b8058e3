# shellcheck shell=sh
# The data disk: found by its label, or made on a disk that asks for it. Source after common.sh.
#
# What can be lost when the power fails in the middle of a format? Nothing, by this order:
#   1. the head of the disk (magic, keys, seed) is read into memory; the disk is not touched
#   2. the data file system is made at its place, from 1 MiB on, through a loop device: there is no partition yet. It is
#      filled with the user data and the seed, unmounted and synced
#   3. the partition table is written: one 4 KiB block decides (protective MBR, GPT header, first entries)
#   4. the head is overwritten with zeros
# Before 3 there is no table, so the disk still is what the host made it, magic and keys untouched: the next boot starts
# again from 1. After 3 the label is found and nothing is ever formatted; what 4 left undone is done then.

MAGIC='boot2docker, please format-me'
DATA_LABEL=boot2docker-data
SWAP_LABEL=boot2dockerswap
HEAD_BYTES=65536
SEED_OFFSET=65536
SEED_BYTES=262144
FIRST_MIB=1   # where the first partition begins; everything before it is head
DISK_DEV=$ROOT/dev
DISK_SYS=$ROOT/sys/block

# The kernel's name of partition N of a disk: sda1, nvme0n1p1.
partition_name() { # disk number
  case $1 in
    *[0-9]) printf '%sp%s\n' "$1" "$2" ;;
    *) printf '%s%s\n' "$1" "$2" ;;
  esac
}

# The disk that a partition is on (sda1 -> sda, nvme0n1p2 -> nvme0n1), by sysfs.
disk_of() { # partition
  for entry in "$DISK_SYS"/*/"$1"; do
    [ -d "$entry" ] || continue
    entry=${entry%/*}
    printf '%s\n' "${entry##*/}"
    return 0
  done
  return 1
}

# Whole disks that could be ours, biggest first: no CDs, floppies, loops, RAM disks, none that is read-only.
candidate_disks() {
  for entry in "$DISK_SYS"/*; do
    disk=${entry##*/}
    case $disk in
      sr* | fd* | loop* | ram* | zram* | nbd* | dm-* | md* | '*') continue ;;
    esac
    read -r readonly_flag <"$entry/ro" || continue
    read -r sectors <"$entry/size" || continue
    if [ "$readonly_flag" != 0 ] || [ "$sectors" -lt 65536 ]; then continue; fi
    printf '%s %s\n' "$sectors" "$disk"
  done | sort -rn | cut -d ' ' -f 2
}

# True if the disk begins with the magic text (NULs left out, as the original does).
has_magic() { # disk
  is_head "$DISK_DEV/$1"
}

is_head() { # file
  [ "$(dd if="$1" bs=29 count=1 2>/dev/null | tr -d '\0')" = "$MAGIC" ]
}

# True if nothing that blkid knows is on the disk, no partition table either.
has_no_signature() { # disk
  found=$(blkid -p -o value -s TYPE -s PTTYPE "$DISK_DEV/$1" 2>/dev/null)
  status=$?
  # 2: nothing found. Anything else (8: several signatures that contradict each other) is a disk in use.
  [ "$status" -eq 2 ] && [ -z "$found" ]
}

# True if the first MiB holds zeros only. A disk without signature but with bytes (an encrypted one, a database on the
# bare device) is somebody's: the original would format it, we do not.
begins_with_zeros() { # disk
  dd if="$DISK_DEV/$1" bs=65536 count=16 2>/dev/null | cmp -s -n 1048576 - "$ROOT/dev/zero"
}

# Prints the disk to format, or returns 1: the biggest with the magic, else the biggest that is empty. A disk with any
# signature is never taken, whatever stands at its beginning.
disk_to_format() {
  disks=$(candidate_disks)
  for disk in $disks; do
    if has_magic "$disk" && has_no_signature "$disk"; then
      printf '%s\n' "$disk"
      return 0
    fi
  done
  for disk in $disks; do
    [ -d "$DISK_SYS/$disk/$(partition_name "$disk" 1)" ] && continue
    if has_no_signature "$disk" && begins_with_zeros "$disk"; then
      printf '%s\n' "$disk"
      return 0
    fi
  done
  return 1
}

# Where the partitions of a disk of so many MiB go: "data-start data-size swap-start swap-size", in MiB; the last MiB
# stays free for the second copy of the table. Swap is 1000 MiB, on disks below 4 GB an eighth, below 512 MiB none.
partition_plan() { # disk-MiB
  usable=$(($1 - FIRST_MIB - 1))
  swap=1000
  [ "$1" -lt 3900 ] && swap=$(($1 / 8))
  [ "$1" -lt 512 ] && swap=0
  printf '%s %s %s %s\n' "$FIRST_MIB" $((usable - swap)) $((FIRST_MIB + usable - swap)) "$swap"
}

# The partition table as sfdisk reads it, for the plan above.
partition_table() { # data-start data-size swap-start swap-size
  printf 'label: gpt\n'
  printf 'start=%sMiB, size=%sMiB, type=L, name="%s"\n' "$1" "$2" "$DATA_LABEL"
  [ "$4" -eq 0 ] || printf 'start=%sMiB, size=%sMiB, type=S, name="%s"\n' "$3" "$4" "$SWAP_LABEL"
}

# Steps 1 and 2. Calls fill with the mount point of the new file system once it is there; $RUN/head.tar and
# $RUN/seed.tar hold what was on the head.
format_disk() { # disk fill
  device=$DISK_DEV/$1
  fill=$2
  (
    umask 077
    dd if="$device" of="$RUN/head.tar" bs=4096 count=$((HEAD_BYTES / 4096)) 2>/dev/null
    dd if="$device" of="$RUN/seed.tar" bs=65536 skip=$((SEED_OFFSET / 65536)) count=$((SEED_BYTES / 65536)) 2>/dev/null
  )
  # shellcheck disable=SC2046 # four numbers
  set -- $(disk_plan "$1")
  loop=$(losetup -f) && losetup -o $(($1 * 1048576)) "$loop" "$device" || return 1
  mkdir -p "$RUN/new"
  # No discard: on a growing disk file it costs time and frees nothing. 1 % for root is enough on a data disk.
  # The whole path: in busybox's shell its own mke2fs would come first.
  /usr/sbin/mke2fs -q -F -t ext4 -m 1 -L "$DATA_LABEL" -E nodiscard,lazy_itable_init=1,lazy_journal_init=1 "$loop" "$2m" &&
    mount -t ext4 "$loop" "$RUN/new" && "$fill" "$RUN/new"
  status=$?
  umount "$RUN/new" 2>/dev/null
  losetup -d "$loop"
  sync
  return "$status"
}

# The plan for a disk, from its size.
disk_plan() { # disk
  read -r sectors <"$DISK_SYS/$1/size"
  partition_plan $((sectors / 2048))
}

# Step 3: what was made becomes what the disk is, and the kernel reads it.
commit_table() { # disk
  write_table "$1" || return 1
  left=100
  until [ -b "$DISK_DEV/$(partition_name "$1" 1)" ]; do
    [ "$left" -gt 0 ] || return 1
    left=$((left - 1))
    usleep 20000
  done
}

# sfdisk must not look for old signatures: the file system just made is one.
write_table() { # disk
  # shellcheck disable=SC2046 # four numbers
  partition_table $(disk_plan "$1") | sfdisk --quiet --wipe never --wipe-partitions never "$DISK_DEV/$1"
}

# Uses the swap partition; makes it if it has no signature yet (it is made after the table, and nothing is lost in it).
use_swap() {
  for entry in "$DISK_SYS"/*/*/uevent; do
    grep -q "^PARTNAME=$SWAP_LABEL$" "$entry" 2>/dev/null || continue
    entry=${entry%/uevent}
    swap=$DISK_DEV/${entry##*/}
    [ -n "$(blkid -p -o value -s TYPE "$swap")" ] || mkswap -L "$SWAP_LABEL" "$swap" >/dev/null
    swapon "$swap"
    return
  done
  # Disks formatted by boot2docker itself have the label, not the name.
  swap=$(findfs "LABEL=$SWAP_LABEL" 2>/dev/null) && swapon "$swap"
}

# Step 4: zeros over everything between the table and the first partition (keys, seed) and over what is left of the
# magic. Plain writes, synced: a discard would leave the bytes in a disk file. What says that there is something to
# wipe goes last, so a wipe cut short is done again. The table is two blocks and 16 KiB of entries; bytes 440 to 511 of
# the first block are the protective partition entry.
wipe_head() { # disk
  read -r block_bytes <"$DISK_SYS/$1/queue/logical_block_size"
  table_sectors=$(((2 * block_bytes + 16384) / 512))
  mark_sector=$((SEED_OFFSET / 512))
  write_zeros "$1" 512 $((mark_sector + 1)) $((FIRST_MIB * 2048 - mark_sector - 1)) &&
    write_zeros "$1" 512 "$table_sectors" $((mark_sector + 1 - table_sectors)) &&
    write_zeros "$1" 440 0 1
}

write_zeros() { # disk block-bytes first-block blocks
  dd if="$ROOT/dev/zero" of="$DISK_DEV/$1" bs="$2" seek="$3" count="$4" conv=notrunc,fsync 2>/dev/null
}

# True if a disk in use still has something on its head that step 4 should have wiped.
head_is_left() { # disk
  has_magic "$1" || [ "$(dd if="$DISK_DEV/$1" bs=512 skip=$((SEED_OFFSET / 512)) count=1 2>/dev/null | tr -d '\0' | cut -c 1-15)" = tmachine-seed-1 ]
}

# Mounts the data partition at /mnt/<partition>; a file system that cannot be mounted is repaired once.
mount_data() { # partition
  DATA_MOUNT=$ROOT/mnt/$1
  mkdir -p "$DATA_MOUNT"
  mount -t ext4 "$DISK_DEV/$1" "$DATA_MOUNT" && return 0
  notice "the file system on $1 cannot be mounted; repairing it"
  e2fsck -y "$DISK_DEV/$1" >"$SERIAL" 2>&1
  mount -t ext4 "$DISK_DEV/$1" "$DATA_MOUNT"
}

# Moves what must survive a restart to the disk: /var/lib/docker, /var/lib/boot2docker, /tmp.
link_data() {
  mkdir -p "$DATA_MOUNT/var/lib/docker" "$DATA_MOUNT/var/lib/boot2docker" "$ROOT/var/lib"
  chmod 0710 "$DATA_MOUNT/var/lib/docker"
  for name in docker boot2docker; do
    rmdir "$ROOT/var/lib/$name" 2>/dev/null
    ln -sfn "${DATA_MOUNT#"$ROOT"}/var/lib/$name" "$ROOT/var/lib/$name"
  done
  # Old temporary files go away without being waited for.
  if [ -d "$DATA_MOUNT/tmp" ]; then
    mkdir -p "$DATA_MOUNT/.old-tmp"
    mv "$DATA_MOUNT/tmp" "$DATA_MOUNT/.old-tmp/$(cat "$ROOT/proc/sys/kernel/random/uuid")"
  fi
  [ ! -d "$DATA_MOUNT/.old-tmp" ] || rm -rf "$DATA_MOUNT/.old-tmp" &
  mkdir -p "$DATA_MOUNT/tmp"
  chmod 1777 "$DATA_MOUNT/tmp"
  rm -rf "$ROOT/tmp"
  ln -sfn "${DATA_MOUNT#"$ROOT"}/tmp" "$ROOT/tmp"
}
