# shellcheck shell=bash
# Packs the root file system, and compiles the stand-ins that go into it. Source this file; it runs in the build root.
# Equal input gives equal bytes: every time stamp is SOURCE_DATE_EPOCH.

# Compiles every stand-in (see stub-sources.mjs) in SOURCES into LIBRARIES.
compile_stubs() { # sources libraries
  local source name options
  for source in "$1"/*.c; do
    name=${source##*/}
    name=${name%.c}
    options=(-Xlinker -soname -Xlinker "$name" -Xlinker --hash-style=gnu -Xlinker --build-id=none)
    [ ! -s "${source%.c}.map" ] || options+=(-Xlinker --version-script -Xlinker "${source%.c}.map")
    gcc -shared -nostdlib -Os -s -w -fno-builtin -z noseparate-code "${options[@]}" -o "$2/$name" "$source" || return 1
  done
}

# The squashfs of the root file system. Nothing of who built it gets in: all belongs to root but what PSEUDO says.
pack_rootfs() { # root out jobs
  local root=$1 out=$2 jobs=$3 pseudo
  pseudo=$(mktemp) || return 1
  cat >"$pseudo" <<'PSEUDO'
home/docker m 0750 1000 50
home/docker/.ssh m 0700 1000 50
home/docker/.ssh/environment m 0644 1000 50
root m 0700 0 0
tmp m 1777 0 0
etc/shadow m 0640 0 0
etc/sudoers m 0440 0 0
usr/bin/sudo m 4755 0 0
PSEUDO
  rm -f "$out"
  nice -n 5 mksquashfs "$root" "$out" -noappend -all-root -no-exports -no-xattrs -quiet -no-progress \
    -comp zstd -Xcompression-level 22 -b 1M -processors "$jobs" -pf "$pseudo" >&2
  local status=$?
  rm -f "$pseudo"
  return "$status"
}

