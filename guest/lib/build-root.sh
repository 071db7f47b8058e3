# shellcheck shell=bash
# A root directory of Debian tools to build in: the same compiler and tools on every host, nothing installed on the
# host. Source debian-packages.sh first. Works as root (also inside a container) and, where the kernel lets ordinary
# users have a user namespace, without root.
#
#   build_root_usable                            can this user enter a build root here? (0 or 3, with a message)
#   build_root_make STATE DEBS ROOT PACKAGE...   unpack the packages and all they need into ROOT; print them as fetch does
#   build_root_run ROOT COMMAND ARGUMENT...      run a command in ROOT with a small clean environment

_build_root_as_root() { [ "$(id -u)" = 0 ]; }

# Says whether build_root_run can work for this user; complains and returns 3 when not.
build_root_usable() {
  if _build_root_as_root || unshare --user --map-root-user --mount true 2>/dev/null; then
    return 0
  fi
  _debian_packages_complain 'Cannot build here without root.' \
    'the build runs in a directory of Debian tools (chroot), and this system gives ordinary users no user namespace' \
    'run the command again as root, for example with sudo'
  return 3
}

# Unpacks packages and their dependencies into a new directory. No maintainer script runs: what those would have set
# up and builds need (awk, cc, /dev/null) is made here. Prints name=version=sha256 of all that went in.
build_root_make() { # state debs root package...
  local state=$1 debs=$2 root=$3 closure list file name
  shift 3
  # base-files brings /bin -> usr/bin and its like; unpacked first, it makes the others land in the right place.
  closure=$(debian_packages_closure "$state" base-files bash coreutils dash mawk "$@") || return
  # shellcheck disable=SC2086
  list=$(debian_packages_fetch "$state" "$debs" $closure) || return
  mkdir -p "$root" || return 1
  for name in base-files $(printf '%s\n' "$list" | sed 's/=.*//' | grep -vx base-files); do
    for file in "$debs/${name}_"*.deb; do
      case "$list" in *"$name=$(dpkg-deb -f "$file" Version)="*) ;; *) continue ;; esac
      if ! dpkg-deb --fsys-tarfile "$file" |
        tar -x -C "$root" --keep-directory-symlink --no-same-owner --exclude='./usr/share/doc/*/*' \
          --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*'; then
        _debian_packages_complain "Cannot unpack the Debian package \"$name\"." 'see the line above (disk full?)' \
          'make room and run the command again'
        return 1
      fi
    done
  done
  ln -sf mawk "$root/usr/bin/awk"
  [ -e "$root/usr/bin/cc" ] || ln -sf gcc "$root/usr/bin/cc"
  if ! _build_root_as_root || ! mknod -m 666 "$root/dev/null" c 1 3 2>/dev/null; then
    : >"$root/dev/null"
  fi
  printf '%s\n' "$list"
}

# Runs a command in a build root, with stdin, stdout and stderr of the caller. Returns the command's status.
build_root_run() { # root command argument...
  local root=$1
  shift
  local clean=(env -i PATH=/usr/sbin:/usr/bin HOME=/tmp LC_ALL=C TZ=UTC "$@")
  if [ -c "$root/dev/null" ]; then
    chroot "$root" "${clean[@]}"
    return
  fi
  local namespaces=(--mount)
  _build_root_as_root || namespaces+=(--user --map-root-user)
  # shellcheck disable=SC2016
  unshare "${namespaces[@]}" sh -c \
    'root=$1; shift; mount --bind /dev/null "$root/dev/null" && exec chroot "$root" "$@"' sh "$root" "${clean[@]}"
}
