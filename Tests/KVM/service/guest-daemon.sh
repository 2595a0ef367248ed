#!/bin/sh
# Checks the daemon as a service of systemd, with control groups of version 2: users and limits of VMs, that they outlive
# a restart, a stop and an end of the service, and what is left for the check after the host's reboot. Asks by curl: the
# client takes seconds to start on an emulated processor.
set -eu
# shellcheck source-path=SCRIPTDIR source=daemon.sh
. /daemon.sh
memory_mib=128
memory_max=$(((2 * memory_mib + 512) << 20))

new_vm() {
    api POST "vm/new_root?wait_boot=true" "{\"vm_config\":{\"image_name\":\"tiny\",\"mem_size_mib\":$memory_mib}}" | field vm_id
}

branch() { api POST "vm/$1/branch" | field vm_id; }

group_of() { sed -n 's/^0:://p' "/proc/$1/cgroup"; }

# expect_limits VM PID
expect_limits() {
    group=$(group_of "$2")
    case $group in
        */vers-*"$1@$2/processes") group=${group%/processes} ;;
        *) fail "$1 is in the control group '$group'" ;;
    esac
    expect "memory.max of $1" "$memory_max" "$(cat "$groups$group/memory.max")"
    expect "pids.max of $1" 1024 "$(cat "$groups$group/pids.max")"
    expect "cpu.weight of $1" 200 "$(cat "$groups$group/cpu.weight")"
}

# What holds for every VM that runs.
expect_running() {
    for vm in "$@"; do
        expect "the answer of $vm" "hello from $vm" "$(sh_in "$vm" "echo hello from $vm")"
        pid=$(pid_of "$vm")
        [ -n "$pid" ] || fail "$vm has no process"
        expect "capabilities of $vm" 0000000000000000 "$(sed -n 's/^CapEff:\t//p' "/proc/$pid/status")"
        [ "$(stat -c %u "/proc/$pid")" -ge 65536 ] || fail "$vm runs as user $(stat -c %u "/proc/$pid")"
        expect "what the kernel spares $vm when memory runs out" 0 "$(cat "/proc/$pid/oom_score_adj")"
        expect_limits "$vm" "$pid"
    done
    expect_no_inner_processes
}

# No group with controllers for its children has processes of its own: the kernel refuses one or the other.
expect_no_inner_processes() {
    find $groups -mindepth 2 -name cgroup.subtree_control | while read -r file; do
        [ -z "$(cat "$file")" ] || [ -z "$(cat "${file%/*}/cgroup.procs")" ] || echo "${file%/*}"
    done >/tmp/inner
    expect "groups with controllers and processes" "" "$(cat /tmp/inner)"
}

expect "the file system of control groups" cgroup2fs "$(stat -f -c %T $groups)"
say "start"
systemctl start versd
await_daemon
expect "limits that are missing" "" "$(journalctl -u versd | sed -n 's/.*limits.missing=\([a-z,]*\).*/\1/p')"
expect "the group of versd" /system.slice/versd.service "$(group_of "$(systemctl show -P MainPID versd)")"

say "run and branch"
root=$(new_vm)
expect "what runs it" kvm "$(api GET "vm/$root/metadata" | field accelerator)"
# shellcheck disable=SC2016 # the variables are the guest's
sh_in "$root" '(i=0; while :; do i=$((i + 1)); echo $i >/tmp/next; mv /tmp/next /tmp/count; sleep 0.2; done) </dev/null >/dev/null 2>&1 &'
child=$(branch "$root")
expect_running "$root" "$child"
root_pid=$(pid_of "$root")
child_pid=$(pid_of "$child")
[ "$(stat -c %u "/proc/$root_pid")" != "$(stat -c %u "/proc/$child_pid")" ] || fail "two VMs have one user"

# Has systemd look anew at what the groups in the slice need.
change_units() {
    systemctl daemon-reload
    systemctl daemon-reexec
    systemctl start neighbour
    systemctl restart weighty
    systemctl stop weighty
}

say "other units come and go"
printf '[Service]\nType=oneshot\nExecStart=true\n' >/run/systemd/system/neighbour.service
printf '[Service]\nType=exec\nCPUWeight=50\nExecStart=sleep infinity\n' >/run/systemd/system/weighty.service
change_units
expect_running "$root" "$child"

say "restart"
systemctl restart versd
await_daemon
expect_running "$root" "$child"
expect "the processes" "$root_pid $child_pid" "$(pid_of "$root") $(pid_of "$child")"
second=$(branch "$root")
expect_running "$second"

say "stop"
before=$(sh_in "$child" "cat /tmp/count")
systemctl stop versd
expect "the service" inactive "$(systemctl is-active versd || true)"
change_units
expect_limits "$root" "$root_pid"
expect_limits "$child" "$child_pid"
systemctl start versd
await_daemon
expect_running "$root" "$child" "$second"
[ "$(sh_in "$child" "cat /tmp/count")" -gt "$before" ] || fail "$child did not run on"
third=$(branch "$root")
expect_running "$third"

say "the daemon is killed"
systemctl kill --signal=KILL --kill-who=main versd
await_daemon
expect_running "$root" "$child" "$second" "$third"

say "deletion"
api DELETE "vm/$root?recursive=true" >/dev/null
expect "VMs" "[]" "$(api GET vms)"
systemctl stop versd
expect_no_machines
expect_no_complaints

say "VMs for the reboot"
systemctl enable --quiet versd
systemctl start versd
await_daemon
root=$(new_vm)
# What the guest has given to its disk, and what it is at.
sh_in "$root" "echo kept >/root/kept; sync" >/dev/null
child=$(branch "$root")
sh_in "$child" "echo its own >/root/kept; sync; head -c 8000000 /dev/zero >/root/zeros" >/dev/null
sleeping=$(branch "$root")
set_state "$sleeping" Sleeping
echo "root=$root child=$child sleeping=$sleeping" >/vms-before-reboot
say "done"
