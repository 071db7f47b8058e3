#!/bin/busybox sh
# shellcheck shell=dash
# The init of a machine that tells, on the serial console, which devices the kernel found a driver for.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for disk in /sys/block/*; do
  [ ! -e "$disk/device" ] || echo "disk $(cat "$disk/size") $(readlink -f "$disk/device")" >/dev/ttyS0
done
for card in /sys/class/net/*; do
  [ ! -e "$card/device" ] || echo "card $(basename "$(readlink -f "$card/device/driver")")" >/dev/ttyS0
done
for device in /sys/bus/pci/devices/*; do
  [ -e "$device/driver" ] || echo "driverless $(cat "$device/class")" >/dev/ttyS0
done
echo "random $(cat /sys/class/misc/hw_random/rng_current)" >/dev/ttyS0
echo "screen $(cut -d ' ' -f 2- /proc/fb)" >/dev/ttyS0
echo "share $(mount -t 9p -o trans=virtio share /mnt && cat /mnt/hello)" >/dev/ttyS0
grep -q vboxsf /proc/filesystems && echo "vboxsf offered" >/dev/ttyS0
for input in /sys/class/input/event*; do
  echo "input $(cat "$input/device/name")" >/dev/ttyS0
done
echo "done" >/dev/ttyS0
poweroff -f
