#!/bin/sh
# PID 1 of a guest. The kernel's command line gives OUT, a folder of the host that
# is mounted on /mnt, and GUEST, the program to run. The rest of the host's files
# are there to read.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
HOME=/root
LANG=C.UTF-8
TMPDIR=/run
export PATH HOME LANG TMPDIR

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t debugfs debugfs /sys/kernel/debug
mount -t tmpfs tmpfs /run
mount -t tmpfs -o mode=700 tmpfs /var/lib/bluetooth
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t hostfs -o "$OUT" none /mnt
ip link set lo up

"$GUEST" /mnt >/mnt/guest.log 2>&1
echo $? >/mnt/status
echo o >/proc/sysrq-trigger
sleep 60
