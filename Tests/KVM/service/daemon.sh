# shellcheck shell=sh
# Sourced by what checks the daemon in the machine that offers KVM: how it is asked, and what is said of the answers.
home=/var/lib/vers
groups=/sys/fs/cgroup

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

# set_state VM STATE
set_state() { api PATCH "vm/$1/state" "{\"state\":\"$2\"}" >/dev/null; }

state_of() { api GET "vm/$1/metadata" | field state; }

# The QEMU of a VM. Its frozen copies have other names.
pid_of() { pgrep -f "^/usr/bin/qemu-system-x86_64 .*guest=$1" | head -n 1; }

expect_no_machines() {
    expect "groups of VMs" "" "$(find $groups -name 'vers-*@*' -type d)"
    expect "QEMUs" "" "$(pgrep -f '^/usr/bin/qemu-system-x86_64 ' || true)"
}

# A group that systemd cannot remove, and a process that it finds where it wants none, are complained of.
expect_no_complaints() {
    expect "complaints of systemd" "" "$(journalctl --boot _PID=1 | grep -i 'cgroup\|control group\|left-over' || true)"
}
