#!/bin/busybox sh
# shellcheck shell=dash disable=SC2013
# Runs the engine's check under KVM, in the machine that offers it, and powers off.
/bin/busybox --install -s /bin
mount -t tmpfs tmp /tmp
for module in irqbypass kvm kvm-amd; do insmod "/kvm/$module.ko"; done
timeout 400 /engine-check branch --root /engine --accelerator kvm --memory 128
echo "engine check ended with status $?"
for log in /engine/vms/*/qemu.log /engine/vms/*/console.log; do
    echo "--- $log"
    tail -n 20 "$log"
done
poweroff -f
