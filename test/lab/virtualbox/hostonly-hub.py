#!/usr/bin/python3
"""A learning Ethernet switch between one TAP device and the UDP tunnels of virtual machines.

Usage: hostonly-hub.py TAP PORT
Ends when the TAP device goes. Each machine sends raw Ethernet frames from 127.0.0.1:<its port> to 127.0.0.1:PORT.
"""
import fcntl
import os
import select
import socket
import struct
import sys

tap_name, port = sys.argv[1], int(sys.argv[2])
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
tap = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH", tap_name.encode(), IFF_TAP | IFF_NO_PI))
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", port))
TAP = None                      # the switch port that is the TAP device
ports, where = set(), {}        # known UDP peers; MAC address -> switch port


def send(frame, to):
    try:
        if to is TAP:
            os.write(tap, frame)
        else:
            udp.sendto(frame, to)
    except OSError:
        ports.discard(to)


while True:
    for fd in select.select([tap, udp], [], [])[0]:
        try:
            if fd is udp:
                frame, came_from = udp.recvfrom(65536)
                ports.add(came_from)
            else:
                frame, came_from = os.read(tap, 65536), TAP
        except ConnectionError:     # a machine that ended while a frame was on its way to it
            continue
        where[frame[6:12]] = came_from
        target = where.get(frame[0:6], "all")
        for to in ([TAP, *ports] if target == "all" else [target]):
            if to != came_from:
                send(frame, to)
