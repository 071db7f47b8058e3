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

# Prints the static address for a card, or nothing. Lines of etc/network name the card by its address or by its place
# (eth0 is the first): MAC=aa:bb:.. ADDRESS=a.b.c.d/n or CARD=eth1 ADDRESS=a.b.c.d/n
static_address() { # card
  [ -f "$STATE/etc/network" ] || return 0
  read -r mac <"$NET_SYS/$1/address"
  while read -r line || [ -n "$line" ]; do
    line_mac=
    line_card=
    line_address=
    for word in $line; do
      case $word in
        MAC=*) line_mac=$(printf '%s' "${word#MAC=}" | tr '[:upper:]' '[:lower:]') ;;
        CARD=*) line_card=${word#CARD=} ;;
        ADDRESS=*) line_address=${word#ADDRESS=} ;;
      esac
    done
    if [ "$line_mac" = "$mac" ] || [ "$line_card" = "$1" ]; then
      printf '%s\n' "$line_address"
      return 0
    fi
  done <"$STATE/etc/network"
}

# Brings the cards up: finding out that there is a cable can take seconds.
raise_cards() {
  ip link set lo up
  for card in $(cards); do ip link set "$card" up; done
}

# Gives every card its static address or asks for a lease, all at once; does not wait. A card whose static address is none
# asks as well: a machine with a wrong line in its settings must stay within reach.
start_network() { # host name
  for card in $(cards); do
    address=$(static_address "$card")
    if [ -n "$address" ]; then
      if ip addr add "$address" broadcast + dev "$card" 2>/dev/null; then
        echo static >"$RUN/net.$card"
        continue
      fi
      notice "\"$address\" is no address for $card; it asks for a lease"
    fi
    start_dhcp "$card" "$1" &
  done
}

start_dhcp() { # card host-name
  # Three questions a second apart, then one round every five seconds, for ever.
  udhcpc -b -i "$1" -t 3 -T 1 -A 5 -x "hostname:$2" -O ntpsrv -p "$RUN/udhcpc.$1.pid" \
    -s /usr/share/udhcpc/default.script >/dev/null 2>&1
}

# Waits until every card has an answer (an address, or a first round of questions without one), at most so many tenths of
# a second; 3 s for a card that has no cable.
wait_network() { # tenths
  waited=0
  for card in $(cards); do
    while [ ! -f "$RUN/net.$card" ] && [ "$waited" -lt "$1" ]; do
      [ "$(cat "$NET_SYS/$card/carrier" 2>/dev/null)" = 1 ] || [ "$waited" -lt 30 ] || break
      usleep 100000
      waited=$((waited + 1))
    done
  done
}
