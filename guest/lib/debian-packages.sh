# shellcheck shell=bash
# Debian packages by a private apt state: nothing of the host's package system is read or changed but the mirror it
# names, its proxy settings and its archive keyring. Source this file; it defines functions and does nothing.
#
#   debian_packages_init STATE SUITE [ARCH]       make the state (or refresh it) for SUITE and SUITE-security
#   debian_packages_fetch STATE DEST PACKAGE...   download the named packages into DEST; print name=version=sha256
#   debian_packages_closure STATE PACKAGE...      print the named packages and all they depend on, one a line
#   debian_packages_version STATE PACKAGE         print the version that fetch would take
#   debian_packages_apt STATE TOOL ARGUMENT...    run apt-get, apt-cache ... against the state
#
# PACKAGE is a name, name=version or name/suite. Every function says on stderr what went wrong and returns
# 1 (mirror, disk, unknown package) or 3 (this host lacks something). The caller's shell options do not matter.
#
# Environment: TMACHINE_APT_SOURCES  directory read instead of /etc/apt for the mirror (sources.list, sources.list.d)

# Within this many minutes a state made from the same sources is not refreshed again: the parts of one build agree
# on the versions, and the mirror is asked once.
DEBIAN_PACKAGES_FRESH_MINUTES=${DEBIAN_PACKAGES_FRESH_MINUTES:-15}

# Prints what happened, why and what to do, in the form of the other messages of the project.
_debian_packages_complain() { # what why next
  printf '✗ %s\n  Why   %s\n  Next  %s\n' "$1" "$2" "$3" >&2
}

# Prints "uri suite" for every enabled binary source with component main in the files given (both apt formats).
# Sources signed by a key that is not Debian's are left out.
_debian_packages_list_sources() { # directory
  local file
  for file in "$1"/sources.list "$1"/sources.list.d/*.list; do
    [ -f "$file" ] || continue
    awk '
      $1 == "deb" {
        sub(/#.*/, ""); options = ""
        if (match($0, /\[[^]]*\]/)) { options = substr($0, RSTART, RLENGTH); $0 = substr($0, 1, RSTART - 1) substr($0, RSTART + RLENGTH) }
        if (options ~ /signed-by=/ && options !~ /debian-archive/) next
        for (i = 4; i <= NF; i++) if ($i == "main") { print $2, $3; next }
      }' "$file"
  done
  for file in "$1"/sources.list.d/*.sources; do
    [ -f "$file" ] || continue
    awk '
      function finish(   i, j, nu, ns, u, s) {
        if ((" " field["types"] " ") ~ / deb / && field["enabled"] !~ /^ *(no|false|0) *$/ &&
            (" " field["components"] " ") ~ / main / &&
            (field["signed-by"] ~ /^ *$/ || field["signed-by"] ~ /debian-archive/)) {
          nu = split(field["uris"], u, " "); ns = split(field["suites"], s, " ")
          for (i = 1; i <= nu; i++) for (j = 1; j <= ns; j++) print u[i], s[j]
        }
        delete field; name = ""
      }
      /^#/ { next }
      /^[ \t]*$/ { finish(); next }
      /^[ \t]/ { field[name] = field[name] " " $0; next }
      { name = tolower($0); sub(/:.*/, "", name); value = $0; sub(/^[^:]*:/, "", value); field[name] = value }
      END { finish() }' "$file"
  done
}

# Prints the mirror for the role main or security, one candidate a line, in the order the host's files name them.
_debian_packages_mirrors() { # directory role
  _debian_packages_list_sources "$1" | awk -v role="$2" '
    { uri = $1; sub(/\/+$/, "", uri) }
    uri ~ /^cdrom:/ { next }
    role == "security" && $2 ~ /^[a-z]+(-security|\/updates)$/ && !seen[uri]++ { print uri }
    role == "main" && $2 ~ /^(bookworm|trixie|forky|duke|sid|stable|oldstable|testing|unstable)$/ && !seen[uri]++ { print uri }'
}

# Prints the path of Debian's archive keyring, or nothing.
_debian_packages_keyring() {
  local keyring
  for keyring in /usr/share/keyrings/debian-archive-keyring.pgp /usr/share/keyrings/debian-archive-keyring.gpg; do
    if [ -s "$keyring" ]; then printf '%s\n' "$keyring"; return; fi
  done
}

_debian_packages_absolute() { # path
  case $1 in
    /*) printf '%s\n' "$1" ;;
    *) printf '%s\n' "$PWD/$1" ;;
  esac
}

# Runs an apt tool against the private state. The caller must have called debian_packages_init before.
debian_packages_apt() { # state tool argument...
  local state tool=$2
  state=$(_debian_packages_absolute "$1")
  shift 2
  APT_CONFIG="$state/etc/apt.conf" LC_ALL=C DEBIAN_FRONTEND=noninteractive "$tool" "$@"
}

_debian_packages_write_conf() { # state arch
  local state=$1 arch=$2
  mkdir -p "$state"/etc/apt.conf.d "$state"/etc/sources.list.d "$state"/etc/preferences.d \
    "$state"/etc/trusted.gpg.d "$state"/lists/partial "$state"/cache/archives/partial || return 1
  : >"$state/status"
  {
    # How this host reaches the network (proxies, certificates, retries) holds for us too; its hooks do not.
    LC_ALL=C apt-config dump | grep -iE '^Acquire::((http|https|socks|ftp)(::| )|Retries |ForceIPv[46] |Queue-Mode )'
    cat <<CONF
Dir::Etc "$state/etc/";
Dir::Etc::netrc "/etc/apt/auth.conf";
Dir::Etc::netrcparts "/etc/apt/auth.conf.d";
Dir::State "$state/";
Dir::State::lists "$state/lists/";
Dir::State::status "$state/status";
Dir::Cache "$state/cache/";
Dir::Log "$state/";
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
APT::Install-Recommends "false";
APT::Install-Suggests "false";
APT::Get::List-Cleanup "true";
APT::Update::Error-Mode "any";
APT::Sandbox::User "$(id -un)";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
CONF
  } >"$state/etc/apt.conf"
}

# Makes or refreshes a private apt state. SUITE is a release name such as trixie; the mirror is the one that the
# host's apt sources name, the archive keyring vouches for what comes. Repeatable; two at once wait for each other.
debian_packages_init() { # state suite [arch]
  local state suite=$2 arch=${3:-amd64} sources=${TMACHINE_APT_SOURCES:-/etc/apt}
  local tool keyring mains security uri wanted log
  for tool in apt-get apt-config dpkg-deb flock awk; do
    command -v "$tool" >/dev/null && continue
    _debian_packages_complain "Cannot fetch Debian packages: \"$tool\" is not installed." \
      'the guest image is made of Debian packages, on a Debian host' 'run the build on Debian 12 or 13'
    return 3
  done
  state=$(_debian_packages_absolute "$1")
  case $state in
    *[\"\;\{\}]* | *$'\n'*)
      _debian_packages_complain "Cannot keep an apt state in \"$state\"." \
        'apt cannot read a path with quotes, semicolons or braces' 'name another cache directory'
      return 3 ;;
  esac
  keyring=$(_debian_packages_keyring)
  if [ -z "$keyring" ]; then
    _debian_packages_complain "Cannot check Debian packages: the archive keyring is missing." \
      'no /usr/share/keyrings/debian-archive-keyring.*' 'apt-get install debian-archive-keyring'
    return 3
  fi
  mains=$(_debian_packages_mirrors "$sources" main)
  security=$(_debian_packages_mirrors "$sources" security | head -n 1)
  if [ -z "$mains" ]; then
    _debian_packages_complain "Cannot find a Debian mirror." \
      "no source with component main of a Debian release in $sources/sources.list or $sources/sources.list.d" \
      'add your Debian mirror there and run the command again'
    return 3
  fi
  if ! mkdir -p "$state"; then
    _debian_packages_complain "Cannot write the apt state \"$state\"." 'the directory could not be made' \
      'name a cache directory that you may write'
    return 1
  fi
  exec {_debian_packages_lock}>"$state/lock" || return 1
  flock "$_debian_packages_lock"
  log=$state/update.log
  for uri in $mains; do
    wanted="deb [arch=$arch signed-by=$keyring] $uri $suite main"
    if [ -n "$security" ]; then
      wanted+=$'\n'"deb [arch=$arch signed-by=$keyring] $security $suite-security main"
    fi
    if [ -n "$(find "$state/refreshed" -mmin "-$DEBIAN_PACKAGES_FRESH_MINUTES" 2>/dev/null)" ] &&
      [ "$(cat "$state/etc/sources.list" 2>/dev/null)" = "$wanted" ]; then
      exec {_debian_packages_lock}>&-
      return 0
    fi
    rm -f "$state/refreshed"
    if _debian_packages_write_conf "$state" "$arch" && printf '%s\n' "$wanted" >"$state/etc/sources.list" &&
      debian_packages_apt "$state" apt-get -q update >"$log" 2>&1; then
      touch "$state/refreshed"
      exec {_debian_packages_lock}>&-
      return 0
    fi
  done
  exec {_debian_packages_lock}>&-
  _debian_packages_complain "Cannot read the package lists of Debian $suite." \
    "$(grep -E '^[EW]:' "$log" | head -n 3 | tr '\n' ' ')" \
    "check the network and that the mirror in $sources carries $suite; behind a proxy: Acquire::http::Proxy in /etc/apt/apt.conf.d"
  return 1
}

# Prints the version that debian_packages_fetch would take of a package.
debian_packages_version() { # state package
  local version
  version=$(debian_packages_apt "$1" apt-cache show --no-all-versions "$2" 2>/dev/null | sed -n 's/^Version: //p' | head -n 1)
  if [ -z "$version" ]; then
    _debian_packages_complain "Debian has no package \"$2\"." 'it is not in the lists of the mirror' \
      'check the name and the suite'
    return 1
  fi
  printf '%s\n' "$version"
}

# Prints the named packages and everything they need, one name=version a line, sorted; no recommended packages.
debian_packages_closure() { # state package...
  local state=$1 plan
  shift
  if ! plan=$(debian_packages_apt "$state" apt-get -s -q install "$@" 2>&1); then
    _debian_packages_complain "Cannot work out the dependencies of: $*." \
      "$(printf '%s\n' "$plan" | grep -E '^E:|Depends:' | head -n 3 | tr '\n' ' ')" 'check the names and the suite'
    return 1
  fi
  printf '%s\n' "$plan" | sed -n 's/^Inst \([^ ]*\) (\([^ ]*\) .*/\1=\2/p' | LC_ALL=C sort -u
}

# Downloads packages into a directory (made if need be; a file already there and right is kept) and prints
# name=version=sha256 for each, in the order asked. The bytes are checked against the signed lists.
debian_packages_fetch() { # state destination package...
  local state destination=$2 package name uris line file version sum log
  state=$(_debian_packages_absolute "$1")
  shift 2
  mkdir -p "$destination" || return 1
  log=$(mktemp) || return 1
  # The file names are asked of apt before, so that an old version lying in the directory is never taken for ours.
  if ! uris=$(debian_packages_apt "$state" apt-get -q --print-uris download "$@" 2>"$log") ||
    ! (cd "$destination" && debian_packages_apt "$state" apt-get -q download "$@") >"$log" 2>&1; then
    _debian_packages_complain "Cannot download Debian packages." \
      "$(grep -E '^[EW]:' "$log" | head -n 3 | tr '\n' ' ')" 'check the network and run the command again'
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
  for package in "$@"; do
    name=${package%%[=/:]*}
    line=$(printf '%s\n' "$uris" | awk -v name="$name" '{ split($2, part, "_"); if (part[1] == name) { print $2; exit } }')
    file=$destination/$line
    if [ -z "$line" ] || [ ! -f "$file" ]; then
      _debian_packages_complain "Cannot download the Debian package \"$name\"." 'apt left no such file' \
        'run the command again'
      return 1
    fi
    version=$(dpkg-deb -f "$file" Version) || return 1
    sum=$(sha256sum <"$file") || return 1
    printf '%s=%s=%s\n' "$name" "$version" "${sum%% *}"
  done
}
