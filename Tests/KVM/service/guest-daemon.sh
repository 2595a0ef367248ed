#!/bin/sh
# Checks the daemon as a service of systemd, with control groups of version 2: users and limits of VMs, and that they outlive
# a restart, a stop and an end of the service. Asks by curl: the client takes seconds to start on an emulated processor.
set -eu
home=/var/lib/vers
groups=/sys/fs/cgroup
memory_mib=128
memory_max=$(((2 * memory_mib + 512) << 20))

say() { echo "--- $(cut -d ' ' -f 1 /proc/uptime) s: $*"; }

fail() {
    echo "failed: $*"
    exit 1
}

# expect WHAT WANTED GOT
expect() { [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"; }

# api METHOD PATH [BODY]
api() {
    curl --silent --show-error --fail-with-body --unix-socket $home/versd.sock -X "$1" "http://vers/api/v1/$2" \
        -H "Authorization: Bearer $(cat $home/owner.key)" -H 'Content-Type: application/json' ${3:+--data "$3"}
}

# Waits until the daemon answers; the time of the whole check bounds it.
await_daemon() { until [ -e $home/owner.key ] && api GET vms >/dev/null 2>&1; do sleep 0.2; done; }

# The values of a field in an answer.
field() { grep -o "\"$1\" *: *\"[^\"]*\"" | cut -d '"' -f 4; }

# sh_in VM SCRIPT
sh_in() { api POST "vm/$1/exec" "{\"command\":[\"sh\",\"-c\",\"$2\"],\"timeout_secs\":60}" | field stdout | sed 's/\\n$//'; }

branch() { api POST "vm/$1/branch" | field vm_id; }

# The QEMU of a VM. Its frozen copies have other names.
pid_of() { pgrep -f "^/usr/bin/qemu-system-x86_64 .*guest=$1" | head -n 1; }

group_of() { sed -n 's/^0:://p' "/proc/$1/cgroup"; }

# expect_limits VM PID
expect_limits() {
    group=$(group_of "$2")
    case $group in
        */vers-*"$1@$2") ;;
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
root=$(api POST "vm/new_root?wait_boot=true" "{\"vm_config\":{\"image_name\":\"tiny\",\"mem_size_mib\":$memory_mib}}" | field vm_id)
expect "what runs it" kvm "$(api GET "vm/$root/metadata" | field accelerator)"
# shellcheck disable=SC2016 # the variables are the guest's
sh_in "$root" '(i=0; while :; do i=$((i + 1)); echo $i >/tmp/next; mv /tmp/next /tmp/count; sleep 0.2; done) </dev/null >/dev/null 2>&1 &'
child=$(branch "$root")
expect_running "$root" "$child"
root_pid=$(pid_of "$root")
child_pid=$(pid_of "$child")
[ "$(stat -c %u "/proc/$root_pid")" != "$(stat -c %u "/proc/$child_pid")" ] || fail "two VMs have one user"

say "other units come and go"
printf '[Service]\nType=oneshot\nExecStart=true\n' >/run/systemd/system/neighbour.service
systemctl daemon-reload
systemctl start neighbour
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
systemctl daemon-reload
systemctl start neighbour
expect_limits "$root" "$root_pid"
expect_limits "$child" "$child_pid"
systemctl start versd
await_daemon
expect_running "$root" "$child" "$second"
[ "$(sh_in "$child" "cat /tmp/count")" -gt "$before" ] || fail "$child did not run on"

say "the daemon is killed"
systemctl kill --signal=KILL --kill-who=main versd
await_daemon
expect_running "$root" "$child" "$second"

say "deletion"
api DELETE "vm/$root?recursive=true" >/dev/null
expect "VMs" "[]" "$(api GET vms)"
systemctl stop versd
expect "groups of VMs" "" "$(find $groups -name 'vers-*' -type d)"
expect "QEMUs" "" "$(pgrep -f '^/usr/bin/qemu-system-x86_64 ' || true)"
expect "complaints of systemd" "" "$(journalctl _PID=1 | grep -i 'cgroup\|control group\|left-over' || true)"
say "done"
