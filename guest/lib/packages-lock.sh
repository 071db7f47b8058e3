# shellcheck shell=bash
# packages.lock: the Debian packages of the last recorded image, "name=version sha256" a line. Source this file.

# Writes the lock from "name version sha256" lines, in one step.
write_lock() { # lock versions
  {
    echo '# Debian packages of the last recorded image: name=version sha256. Written by guest/build --update-lock.'
    awk '{ print $1 "=" $2, $3 }' <<<"$2"
  } >"$1.$$"
  mv -f "$1.$$" "$1"
}

# Prints how versions differ from the lock, by package: "was name=version", "now name=version"; nothing when they do not.
# A package with the same version and other bytes counts as well.
lock_difference() { # lock versions
  diff <(grep -v '^#' "$1" 2>/dev/null) <(awk '{ print $1 "=" $2, $3 }' <<<"$2") |
    sed -n 's/^< \([^ ]*\) .*/  was \1/p; s/^> \([^ ]*\) .*/  now \1/p' | LC_ALL=C sort -k 2,2 -s
  return 0
}
