# shellcheck shell=sh
# What the host put on the disk's head: the user data of the boot2docker contract, and for an image that is marked as
# able to, the seed (a second tar with certificates, profile, names and keys). Source after common.sh.

# True for the names that a seed may carry.
seed_may_carry() { # name
  case $1 in
    profile | ca.pem | server.pem | server-key.pem) ;;
    etc/hostname | etc/network | etc/docker/daemon.json) ;;
    ssh/ssh_host_ed25519_key | ssh/ssh_host_ed25519_key.pub) ;;
    etc/docker/certs.d/*/*/* | etc/docker/certs.d/.* | etc/docker/certs.d/*/.*) return 1 ;;
    etc/docker/certs.d/?*/?*.crt) case $1 in *[!A-Za-z0-9._:/-]*) return 1 ;; esac ;;
    certs/*/* | certs/.*) return 1 ;;
    certs/?*.pem | certs/?*.crt) case $1 in *[!A-Za-z0-9._/-]*) return 1 ;; esac ;;
    *) return 1 ;;
  esac
}

# True if the file begins with a seed: the ustar header of a file named tmachine-seed-1.
is_seed() { # file
  [ "$(dd if="$1" bs=100 count=1 2>/dev/null | tr -d '\0')" = tmachine-seed-1 ]
}

# Prints the names in the seed that may be applied, one a line: regular files on the list above. Complains about others.
# A name that stands for anything else as well (a link, a device) is dropped altogether.
seed_names() { # seed.tar
  tar -tvf "$1" 2>/dev/null | while read -r mode _ _ _ _ name; do
    [ "$name" = tmachine-seed-1 ] && continue
    case $mode in
      -*) seed_may_carry "$name" && { printf '%s\n' "$name"; continue; } ;;
    esac
    notice "the seed's \"$name\" is not something a seed may carry; left out"
  done
}

# Unpacks a seed into the state directory, readable by root only, and leaves the proof in $RUN/seed. Each file goes in
# by rename, and by content only: what kind of entry the tar holds cannot matter. Repeatable.
apply_seed() { # seed.tar
  is_seed "$1" || return 1
  (
    umask 077
    staging=$STATE/.seed
    rm -rf "$staging"
    mkdir -p "$staging" || exit 1
    for name in $(seed_names "$1"); do
      tar -xOf "$1" "$name" >"$staging/file" || exit 1
      case $name in
        etc/* | certs/* | *.pub) chmod 0644 "$staging/file" ;;
      esac
      case $name in */*) (umask 022 && mkdir -p "$STATE/${name%/*}") ;; esac
      mv -f "$staging/file" "$STATE/$name" || exit 1
    done
    rm -rf "$staging"
    [ ! -d "$STATE/ssh" ] || chmod 0700 "$STATE/ssh"
    {
      echo applied
      [ ! -f "$STATE/server.pem" ] || printf 'server.pem %s\n' "$(sha256sum <"$STATE/server.pem" | cut -d ' ' -f 1)"
    } >"$RUN/seed"
  )
}

# Unpacks the user data into /home/docker, as on every boot: this is how the SSH keys get there.
apply_userdata() {
  [ -f "$STATE/userdata.tar" ] || return 0
  # The two blocks that end a tar may be cut off, and more may follow them: what tar says of that is no news.
  tar -xf "$STATE/userdata.tar" -C "$ROOT/home/docker" 2>/dev/null
  rm -f "$ROOT/home/docker/boot2docker, please format-me"
  chown -R docker:staff "$ROOT/home/docker"
}
