# shellcheck shell=bash
# Makes the guest's root file system from unpacked Debian packages and our own files. Source this file.
# Nothing here needs root: owners and special modes are given to mksquashfs (see iso.sh).

# Prints the package names in a packages.txt, in its order.
listed_packages() { # packages.txt
  sed -n 's/^\([a-z0-9][a-z0-9.+-]*\):.*/\1/p' "$1"
}

# Copies what packages.txt names from the packages in DEBS, of the versions given ("name version ..." lines), into ROOT. Fails on a pattern that matches nothing: Debian has
# moved a file, and the image would lack it.
copy_packages() { # packages.txt debs-directory versions scratch-directory root
  local list=$1 debs=$2 versions=$3 scratch=$4 root=$5 line name version patterns pattern action deb file files missing=0
  while IFS= read -r line; do
    case $line in '#'* | '') continue ;; esac
    name=${line%%:*}
    patterns=${line#*:}
    version=$(awk -v name="$name" '$1 == name { print $2 }' <<<"$versions")
    deb=$(echo "$debs/${name}_${version//:/%3a}"_*.deb)
    rm -rf "${scratch:?}/package"
    mkdir -p "$scratch/package"
    dpkg-deb -x "$deb" "$scratch/package" || return 1
    for pattern in $patterns; do
      action=copy
      case $pattern in '!'*) action=drop; pattern=${pattern#!} ;; esac
      case $pattern in lib/*) pattern=usr/lib/x86_64-linux-gnu/${pattern#lib/} ;; esac
      # The patterns are ours; eval is for their braces.
      files=$(cd "$scratch/package" && shopt -s nullglob && eval "printf '%s\n' $pattern" | while IFS= read -r file; do
        [ ! -e "$file" ] && [ ! -L "$file" ] || printf '%s\n' "$file"
      done)
      if [ -z "$files" ]; then
        printf 'guest: %s has nothing at %s\n' "$name" "$pattern" >&2
        missing=1
        continue
      fi
      while IFS= read -r file; do
        if [ "$action" = drop ]; then
          rm "$root/$file" || return 1
          continue
        fi
        mkdir -p "$root/$(dirname "$file")"
        cp -a "$scratch/package/$file" "$root/$file" || return 1
      done <<<"$files"
    done
    if [ -f "$scratch/package/usr/share/doc/$name/copyright" ]; then
      mkdir -p "$root/usr/share/doc/$name"
      cp "$scratch/package/usr/share/doc/$name/copyright" "$root/usr/share/doc/$name/"
    fi
  done <"$list"
  rm -rf "$scratch/package"
  return "$missing"
}

# The directories and links of a merged-/usr system, before anything is copied in.
make_skeleton() { # root
  local root=$1
  mkdir -p "$root"/{usr/{bin,sbin,lib,lib64,local/{bin,sbin,etc}},etc/{ssl/certs,sudoers.d},var/{log,lib/{docker,boot2docker},cache,spool/cron/crontabs},run,tmp,dev,proc,sys,mnt,root,home/docker,opt}
  ln -s usr/bin "$root/bin"
  ln -s usr/sbin "$root/sbin"
  ln -s usr/lib "$root/lib"
  ln -s usr/lib64 "$root/lib64"
  ln -s ../run "$root/var/run"
  ln -s ../run/lock "$root/var/lock"
  ln -s ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 "$root/usr/lib64/ld-linux-x86-64.so.2"
  ln -s /var/lib/boot2docker/ssh "$root/usr/local/etc/ssh"
  ln -s /proc/mounts "$root/etc/mtab"
}

# A link for every busybox applet that no Debian program of ours provides; init and sh are busybox.
link_busybox() { # root
  local root=$1 applet
  for applet in $("$root/usr/bin/busybox" --list); do
    case $applet in
      # dpkg and rpm would promise packages that are not there; linuxrc is init for old initrds.
      busybox | dpkg | dpkg-deb | rpm | rpm2cpio | linuxrc | sh) continue ;;
    esac
    [ -e "$root/usr/bin/$applet" ] || [ -e "$root/usr/sbin/$applet" ] || [ -L "$root/usr/bin/$applet" ] ||
      ln -s busybox "$root/usr/bin/$applet"
  done
  ln -sf busybox "$root/usr/bin/sh"
  ln -sf ../bin/busybox "$root/usr/sbin/init"
}

# The iptables programs under their usual names. They speak nftables, as Debian's do by default; a legacy one beside them
# would only make a second set of rules that nobody sees.
link_iptables() { # root
  local family action
  for family in iptables ip6tables; do
    for action in '' -save -restore; do
      ln -s xtables-nft-multi "$1/usr/sbin/$family$action"
      ln -s xtables-nft-multi "$1/usr/sbin/$family-nft$action"
    done
  done
}

write_os_release() { # root engine-version
  cat >"$1/etc/os-release" <<RELEASE
NAME=Boot2Docker
VERSION=$2
ID=boot2docker
ID_LIKE=debian
VERSION_ID=$2
PRETTY_NAME="Boot2Docker $2 (tmachine guest, Debian 13)"
ANSI_COLOR="1;34"
HOME_URL="https://github.com/boot2docker/boot2docker"
SUPPORT_URL="https://github.com/boot2docker/boot2docker"
BUG_REPORT_URL="https://github.com/boot2docker/boot2docker/issues"
RELEASE
}

# The authorities that Debian's ca-certificates enables, in one file; the boot links it or adds to it.
write_ca_bundle() { # root
  local directory=$1/usr/share/ca-certificates/mozilla file
  for file in "$directory"/*.crt; do
    cat "$file"
    echo
  done >"$1/usr/share/ca-certificates/mozilla.new"
  rm -rf "$directory"
  mv "$1/usr/share/ca-certificates/mozilla.new" "$1/usr/share/ca-certificates/mozilla.crt"
  ln -s /usr/share/ca-certificates/mozilla.crt "$1/etc/ssl/certs/ca-certificates.crt"
}

# A small root file system for `docker import`: busybox with its applets and the files a shell wants. Its busybox is the
# image's own, which a squashfs cannot share with a tar; so the image has the tar without it, in two pieces, and the boot
# puts the three together.
write_container_rootfs() { # root scratch mtime
  local root=$1 tree=$2/container share=$1/usr/share/tmachine mtime=$3 applet header=512 size
  rm -rf "$tree"
  mkdir -p "$tree"/{bin,etc,root,tmp,var,usr,dev,proc,sys} "$share"
  chmod 1777 "$tree/tmp"
  cp "$root/usr/bin/busybox" "$tree/bin/busybox"
  for applet in $("$root/usr/bin/busybox" --list); do
    case $applet in busybox | init | linuxrc | dpkg* | rpm*) continue ;; esac
    ln -s busybox "$tree/bin/$applet"
  done
  printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$tree/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\n' >"$tree/etc/group"
  printf 'hosts: files dns\n' >"$tree/etc/nsswitch.conf"
  (cd "$tree" && { echo ./bin/busybox; find . -mindepth 1 ! -path ./bin/busybox | LC_ALL=C sort; }) >"$tree.list"
  tar --create --format=ustar --no-recursion --owner=0 --group=0 --numeric-owner --mtime="@$mtime" \
    --file="$tree.tar" -C "$tree" --files-from="$tree.list" || return 1
  size=$(stat -c %s "$root/usr/bin/busybox")
  head -c "$header" "$tree.tar" >"$share/rootfs.tar.head"
  tail -c "+$((header + size + 1))" "$tree.tar" >"$share/rootfs.tar.tail"
  rm -rf "$tree" "$tree.list" "$tree.tar"
}

# What modprobe reads: everything is built into the kernel, so whatever it is asked for is there already.
write_module_list() { # root kernel-directory
  local directory
  directory=$1/usr/lib/modules/$(cat "$2/kernel-release") || return 1
  mkdir -p "$directory"
  cp "$2/modules.builtin" "$directory/"
  : >"$directory/modules.dep"
}
