#!/bin/busybox sh
# shellcheck shell=dash disable=SC2013
# The initramfs' /init of the machine that offers KVM: everything else is on its disk.
/bin/busybox mkdir -p /proc /sys /dev /root
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
for module in $(/bin/busybox cat /modules/order); do /bin/busybox insmod "/modules/$module"; done
while [ ! -b /dev/vda ]; do /bin/busybox usleep 20000; done
/bin/busybox mount -t ext4 /dev/vda /root
for directory in proc sys dev; do /bin/busybox mount --move "/$directory" "/root/$directory"; done
# The kernel hands on what it does not know itself.
# shellcheck disable=SC2154
exec /bin/busybox switch_root /root "$vers_program"
