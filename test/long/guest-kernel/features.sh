#!/bin/bash
# The init of a machine that does, with Debian's own tools, what the engine, swarm and containers ask of a kernel.
# Each line on the serial console is "ok COMMAND" or "fail COMMAND: what it said".
export PATH=/usr/sbin:/usr/bin
mkdir -p /mnt/{queue,cgroup,bpf,ext4,overlay}
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
exec >/dev/ttyS0 2>&1

try() {
  local said
  if said=$("$@" 2>&1); then echo "ok $*"; else echo "fail $*: $said"; fi
}

# Netfilter as the engine sets it up, once through the old tables and once through nf_tables.
for backend in legacy nft; do
  for family in iptables ip6tables; do
    tables=("$family-$backend" -w)
    if [ "$family" = iptables ]; then
      net=172.17.0.0/16 container=172.17.0.2 endpoint=172.17.0.2:80
    else
      net=fd00::/64 container=fd00::2 endpoint='[fd00::2]:80'
    fi
    try "${tables[@]}" -t nat -N DOCKER
    try "${tables[@]}" -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
    try "${tables[@]}" -t nat -A POSTROUTING -s "$net" ! -o docker0 -j MASQUERADE
    try "${tables[@]}" -t nat -A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination "$endpoint"
    try "${tables[@]}" -t nat -A OUTPUT -p tcp --dport 53 -j REDIRECT --to-ports 5353
    try "${tables[@]}" -t nat -A POSTROUTING -m ipvs --ipvs -d "$container" -j SNAT --to-source "$container"
    try "${tables[@]}" -t filter -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    try "${tables[@]}" -t filter -A FORWARD -m comment --comment note -m mark --mark 1 -j RETURN
    try "${tables[@]}" -t filter -A INPUT -p udp --dport 4789 -m policy --dir in --pol ipsec -j ACCEPT
    try "${tables[@]}" -t filter -A INPUT -m physdev --physdev-in eth0 -j ACCEPT
    try "${tables[@]}" -t filter -A INPUT -m limit --limit 5/min -j LOG
    try "${tables[@]}" -t filter -A INPUT -m recent --name seen --set -j REJECT
    try "${tables[@]}" -t filter -A OUTPUT -m owner --uid-owner 0 -j ACCEPT
    try "${tables[@]}" -t mangle -A PREROUTING -p tcp -m multiport --dports 80,443 -j MARK --set-mark 0x100
    try "${tables[@]}" -t mangle -A OUTPUT -p udp --dport 4789 -m u32 --u32 '0>>22&0x3C@12&0xFFFFFF00=1048832' -j MARK --set-mark 1
    try "${tables[@]}" -t raw -A PREROUTING -d "$container" ! -i docker0 -j DROP
  done
done
try nft add table inet guest
try nft 'add chain inet guest input { type filter hook input priority 0; }'
try nft add rule inet guest input fib daddr type local counter accept
try ipset create addresses hash:ip
try ipset create nets hash:net

# Networks: bridge, overlay (and its encryption), macvlan, ipvlan, swarm's load balancing.
try ip link set lo up
try ip link add br0 type bridge vlan_filtering 1
try sysctl net.bridge.bridge-nf-call-iptables
try ip link add pair0 type veth peer name pair1
try ip link add vxlan0 type vxlan id 42 dstport 4789 dev lo
try ip link add macvlan0 link pair0 type macvlan mode bridge
try ip link add ipvlan0 link pair1 type ipvlan mode l2
try ip link add dummy0 type dummy
try ip link add link dummy0 name dummy0.5 type vlan id 5
try ip link add wg0 type wireguard
try ip tuntap add tap0 mode tap
try ip xfrm state add src 10.0.0.1 dst 10.0.0.2 proto esp spi 0x1 reqid 1 mode transport \
  aead 'rfc4106(gcm(aes))' 0x0123456789abcdef0123456789abcdef01234567 64
try ip xfrm policy add src 10.0.0.1 dst 10.0.0.2 dir out tmpl src 10.0.0.1 dst 10.0.0.2 proto esp spi 0x1 mode transport
try ipvsadm -A -f 256 -s rr
try ipvsadm -a -f 256 -r 10.0.0.5:0 -m
try tc qdisc add dev pair0 root tbf rate 1mbit burst 32kbit latency 400ms

# Containers: namespaces, control groups, storage, swap.
try unshare --user --map-root-user --mount --pid --fork --net --ipc --uts --cgroup --time --mount-proc true
try mount -t mqueue queue /mnt/queue
try mount -t bpf bpf /mnt/bpf
try mount -t cgroup2 cgroup /mnt/cgroup
echo "+cpu +memory +io +pids +cpuset +hugetlb" >/mnt/cgroup/cgroup.subtree_control
mkdir /mnt/cgroup/box
for file in cpu.max cpu.weight cpuset.cpus memory.max memory.swap.max io.max io.weight pids.max hugetlb.2MB.max cgroup.freeze; do
  try test -e "/mnt/cgroup/box/$file"
done
try truncate -s 64M /image
try mkfs.ext4 -q /image
try mount -o loop /image /mnt/ext4
mkdir -p /mnt/ext4/{lower,upper,work}
try mount -t overlay overlay -o lowerdir=/mnt/ext4/lower,upperdir=/mnt/ext4/upper,workdir=/mnt/ext4/work /mnt/overlay
try touch /mnt/overlay/file
echo 64M >/sys/block/zram0/disksize
try mkswap -q /dev/zram0
try swapon /dev/zram0
try test -s /proc/config.gz
echo "done"
busybox poweroff -f
