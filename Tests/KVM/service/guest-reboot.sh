#!/bin/sh
# Checks what a reboot of the host has made of the VMs that ran, and of the one that slept.
set -eu
# shellcheck source-path=SCRIPTDIR source=daemon.sh
. /daemon.sh
# Sets root, child and sleeping.
# shellcheck source=/dev/null
. /vms-before-reboot
: "${root:?}" "${child:?}" "${sleeping:?}"

say "after the reboot"
for vm in "$root" "$child"; do
    tail -n 1 "$home/vms/$vm/qemu.log" | grep -q 'terminating on signal 15' ||
        fail "$vm was not ended in order: $(tail -n 3 "$home/vms/$vm/qemu.log")"
done
await_daemon
for vm in "$root" "$child"; do
    expect "the state of $vm" stopped "$(state_of "$vm")"
    disk=$(find "$home/vms/$vm" -name 'disk-*.qcow2')
    qemu-img check -q "$disk" || fail "the disk of $vm is damaged: $(qemu-img check "$disk" 2>&1)"
done
expect "the state of $sleeping" sleeping "$(state_of "$sleeping")"
expect_no_machines

say "the VMs start"
for vm in "$root" "$child" "$sleeping"; do set_state "$vm" Running; done
expect "the file of $root" kept "$(sh_in "$root" "cat /root/kept")"
expect "the file of $child" "its own" "$(sh_in "$child" "cat /root/kept")"
expect "the file of $sleeping" kept "$(sh_in "$sleeping" "cat /root/kept")"
grandchild=$(api POST "vm/$child/branch" | field vm_id)
expect "the file of $grandchild" "its own" "$(sh_in "$grandchild" "cat /root/kept")"
api DELETE "vm/$root?recursive=true" >/dev/null
systemctl stop versd
expect_no_machines
expect_no_complaints
say "done"
