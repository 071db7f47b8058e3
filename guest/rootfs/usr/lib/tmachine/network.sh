# shellcheck shell=sh
# Network cards: named by PCI address, each with DHCP or the static address that etc/network gives it.
# Source after common.sh.

NET_SYS=$ROOT/sys/class/net

# Real cards (those with a device behind them), in the order of their bus addresses.
cards() {
  for entry in "$NET_SYS"/*; do
    [ -e "$entry/device" ] || continue
    printf '%s %s\n' "$(readlink -f "$entry/device")" "${entry##*/}"
  done | sort | while read -r _ name; do printf '%s\n' "$name"; done
}

# Renames the cards to eth0, eth1 ... in the order of their bus addresses: drivers answer in any order, but the first
# card of the machine must be eth0.
name_cards() {
  wanted=''
  index=0
  for name in $(cards); do
    [ "$name" = "eth$index" ] || wanted="$wanted $name:eth$index"
    index=$((index + 1))
  done
  for pair in $wanted; do ip link set "${pair%:*}" name "new-${pair#*:}"; done
  for pair in $wanted; do ip link set "new-${pair#*:}" name "${pair#*:}"; done
}

# Prints the static address for a card, or nothing. Lines of etc/network: MAC=aa:bb:.. ADDRESS=a.b.c.d/n
static_address() { # card
  [ -f "$STATE/etc/network" ] || return 0
  read -r mac <"$NET_SYS/$1/address"
  while read -r line; do
    line_mac=
    line_address=
    for word in $line; do
      case $word in
        MAC=*) line_mac=$(printf '%s' "${word#MAC=}" | tr A-Z a-z) ;;
        ADDRESS=*) line_address=${word#ADDRESS=} ;;
      esac
    done
    if [ "$line_mac" = "$mac" ]; then
      printf '%s\n' "$line_address"
      return 0
    fi
  done <"$STATE/etc/network"
}

# Brings the cards up and asks for leases, all at once; does not wait.
start_network() { # host name
  ip link set lo up
  for card in $(cards); do
    ip link set "$card" up
    start_dhcp "$card" "$1" &
  done
}

start_dhcp() { # card host-name
  # Three questions a second apart, then one round every five seconds, for ever.
  udhcpc -b -i "$1" -t 3 -T 1 -A 5 -x "hostname:$2" -O ntpsrv -p "$RUN/udhcpc.$1.pid" \
    -s /usr/share/udhcpc/default.script >/dev/null 2>&1
}

# Gives the cards named in etc/network their address and ends their DHCP client. Call when the data disk is there.
apply_static_addresses() {
  [ -f "$STATE/etc/network" ] || return 0
  for card in $(cards); do
    address=$(static_address "$card")
    [ -n "$address" ] || continue
    [ ! -f "$RUN/udhcpc.$card.pid" ] || kill "$(cat "$RUN/udhcpc.$card.pid")" 2>/dev/null
    ip addr flush dev "$card"
    ip addr add "$address" broadcast + dev "$card"
    ip link set "$card" up
    echo static >"$RUN/net.$card"
  done
}

# Waits until every card has an answer (an address, or a first round without a lease), at most so many tenths of a second.
wait_network() { # tenths
  left=$1
  for card in $(cards); do
    while [ ! -f "$RUN/net.$card" ] && [ "$left" -gt 0 ]; do
      [ "$(cat "$NET_SYS/$card/carrier" 2>/dev/null)" != 0 ] || break
      usleep 100000
      left=$((left - 1))
    done
  done
}
