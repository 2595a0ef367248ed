#!/bin/busybox sh
# shellcheck shell=dash disable=SC2013
# The whole user space of the engine tests' guest: it counts, in memory, and runs what it is told over the agent's port.
/bin/busybox mkdir -p /proc /sys /dev /tmp /disk /bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs -o size=100% tmp /tmp
for module in $(cat /modules/order); do insmod "/modules/$module" || echo "cannot load $module"; done
mount -t ext4 /dev/vda /disk
(
    count=0
    while :; do
        count=$((count + 1))
        echo "$count" >/tmp/count.new
        mv /tmp/count.new /tmp/count
        usleep 50000
    done
) &
port=$(ls /dev/vport*)
echo "guest is up"
# Kept open: closing a port discards what the host has sent meanwhile. Without a host, reads end at once.
exec 3<>"$port"
while :; do
    if read -r line <&3; then
        output=$(eval "$line" 2>&1)
        echo "=$? $(echo "$output" | wc -l)
$output" >&3
    else
        usleep 20000
    fi
done
