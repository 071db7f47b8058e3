# shellcheck shell=sh
# What the guest's scripts share. Source it. Paths can be moved for tests by TMACHINE_ROOT (empty in the guest).

ROOT=${TMACHINE_ROOT:-}
# shellcheck disable=SC2034 # used by those who source this
STATE=$ROOT/var/lib/boot2docker
# shellcheck disable=SC2034
RUN=$ROOT/run/tmachine
SERIAL=${TMACHINE_SERIAL:-/dev/ttyS0}
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

# Tells the host that something has come true: one line on the serial port, with the kernel's uptime. It starts on a
# line of its own, whatever a shell on the same port has left there; written at one go so that nothing cuts into it.
evidence() { # text...
  read -r uptime _ </proc/uptime
  printf '\r\ntmachine-guest: %s %s\r\n' "$*" "$uptime" 2>/dev/null >"$SERIAL"
}

# A sentence for people, on the serial port and the screen.
notice() { # text...
  printf '\r\ntmachine-guest: note: %s\r\n' "$*" 2>/dev/null >"$SERIAL"
  printf '%s\n' "$*" >&2
}

# True if the kernel command line has this word.
booted_with() { # word
  read -r words <"$ROOT/proc/cmdline"
  case " $words " in *" $1 "*) return 0 ;; esac
  return 1
}

# Starts a log anew when it has grown beyond 10 MiB; the old one stays beside it.
keep_short() { # log
  [ ! -f "$1" ] || [ "$(stat -c %s "$1")" -lt 10485760 ] || mv -f "$1" "$1.1"
}
