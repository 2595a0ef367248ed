#!/bin/sh
# Runs the checks of the daemon in the machine that offers KVM: one, and after a reboot the other. Ends the machine.
for module in irqbypass kvm kvm-amd; do
    if [ -e "/kvm/$module.ko" ]; then insmod "/kvm/$module.ko"; fi
done
# As udev's rules have it.
getent group kvm >/dev/null || groupadd --system kvm
chgrp kvm /dev/kvm
chmod 0660 /dev/kvm

if [ -e /vms-before-reboot ]; then check=reboot; else check=daemon; fi
if timeout 1200 "/check-$check.sh"; then
    echo "$check check passed"
    passed=yes
else
    echo "$check check failed with status $?"
    journalctl --no-pager --boot | tail -n 60
    for log in /var/lib/vers/vms/*/run/console.log /var/lib/vers/vms/*/qemu.log; do
        echo "--- $log"
        tail -n 15 "$log"
    done
    passed=no
fi
echo "==> done, $(cut -d ' ' -f 1 /proc/uptime) s after the start"
if [ "$check$passed" = daemonyes ]; then
    # Not `systemctl reboot`, which looks for a message bus first.
    systemctl start --no-block --job-mode=replace-irreversibly reboot.target
else
    systemctl poweroff --force --force
fi
