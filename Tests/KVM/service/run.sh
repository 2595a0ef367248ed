#!/bin/sh
# Proves the installed daemon as a service of systemd, under KVM and with control groups of version 2, on a host that has
# neither: an emulated machine with an AMD processor offers SVM, and runs Debian. Needs qemu-system-x86, a cloud kernel,
# busybox-static, e2fsprogs, cpio, binutils, and what `make build-debug` makes. Takes minutes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
tree=$(cd "$here/../../.." && pwd)
build=${VERS_BUILD:-$tree/.build/debug}
work=$(mktemp -d "${TMPDIR:-/tmp}/vers-kvm.XXXXXX")
trap 'rm -rf "$work"' EXIT
PATH="$PATH:/usr/sbin:/sbin"
kvm=$tree/Tests/KVM
# shellcheck source-path=SCRIPTDIR source=../machine.sh
. "$kvm/machine.sh"
# What is added to Debian.
added=$work/added

# Copies programs with the libraries that they load, to the same places; in Debian /lib is a link to /usr/lib.
copy_with_libraries() {
    for program in "$@"; do
        ldd "$program" | awk '/=> \// { print $3 }'
    done | sort -u | while read -r library; do
        folder=$added$(dirname "$library" | sed 's|^/lib/|/usr/lib/|')
        mkdir -p "$folder"
        cp -Lu "$library" "$folder"
    done
}

# Installs the daemon from the debug build, without what debuggers need: it would be most of the disk.
install_daemon() {
    mkdir "$work/release"
    for program in vers versd vers-image vers-agent libramlayers.so; do
        strip --strip-debug -o "$work/release/$program" "$build/$program"
    done
    echo tested >"$work/release/REVISION"
    make --silent -C "$tree" install DESTDIR="$added" PREFIX=/usr/local release="$work/release" >/dev/null
    copy_with_libraries "$work/release/vers" "$work/release/versd"
    mkdir -p "$added/var/lib/vers/images"
    cp -r --sparse=always "$1/tiny" "$added/var/lib/vers/images/"
}

# Writes files into a file system that nobody has mounted, as root's; what it has already stays.
add_files() {
    (cd "$1" && find . -mindepth 1 -type d -printf 'mkdir "%P"\n' -o -type l -printf 'symlink "%P" "%l"\n' \
        -o -type f -printf 'write "%p" "%P"\n') >"$work/commands"
    (cd "$1" && debugfs -w -f "$work/commands" "$2") >"$work/debugfs" 2>&1
}

# By the machine's own clock. What does not end when it is asked would be waited for, for 90 s.
expect_quick_reboot() {
    asked=$(sed -n 's/^==> done, \([0-9]*\).*/\1/p' "$work/log")
    ended=$(sed -n 's/^\[ *\([0-9]*\)\.[0-9]*\] reboot: Restarting system.*/\1/p' "$work/log")
    [ -n "$ended" ] && [ $((ended - asked)) -lt 60 ] && return
    echo "the host took from $asked s to ${ended:-no restart} s to end"
    exit 1
}

images=$("$tree/scripts/test-images.sh" tiny default)
mkdir -p "$added/etc/systemd/system/multi-user.target.wants"
copy_qemu "$added"
cp /usr/bin/qemu-system-x86_64 /usr/bin/qemu-img "$added/usr/bin/"
copy_with_libraries /usr/bin/qemu-system-x86_64 /usr/bin/qemu-img
install_daemon "$images"
cp "$here/daemon.sh" "$added/"
cp "$here/guest-check.sh" "$added/check.sh"
cp "$here/guest-daemon.sh" "$added/check-daemon.sh"
cp "$here/guest-reboot.sh" "$added/check-reboot.sh"
chmod 0755 "$added"/check*.sh
cp "$here/vers-check.service" "$added/etc/systemd/system/"
ln -s ../vers-check.service "$added/etc/systemd/system/multi-user.target.wants/"

cp --sparse=always "$(readlink -f "$images/default/current")/root.raw" "$work/disk.raw"
chmod 0644 "$work/disk.raw"
truncate -s 3G "$work/disk.raw"
e2fsck -fy "$work/disk.raw" >/dev/null 2>&1 || true
resize2fs "$work/disk.raw" >/dev/null 2>&1
add_files "$added" "$work/disk.raw"

# Ends with a reboot, which is another run of the machine.
for check in daemon reboot; do
    run_machine "$work/disk.raw" 1500 2048 /sbin/init systemd.unified_cgroup_hierarchy=1
    grep -q "$check check passed" "$work/log"
    if [ "$check" = daemon ]; then expect_quick_reboot; fi
done
