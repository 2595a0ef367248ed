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
modules=$(find /lib/modules -maxdepth 1 -name "*-cloud-amd64" | sort -V | tail -n 1)
# What is added to Debian.
added=$work/added
start=$work/start

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

# Puts a module into a directory, if it is none that is built in.
copy_module() {
    file=$(find "$modules" -name "$2.ko" | head -n 1)
    if [ -n "$file" ]; then cp "$file" "$1/"; fi
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

images=$("$tree/scripts/test-images.sh" tiny default)
mkdir -p "$added/kvm" "$added/usr/bin" "$added/usr/share" "$added/etc/systemd/system/multi-user.target.wants" \
    "$start/bin" "$start/modules"
cp /usr/bin/qemu-system-x86_64 /usr/bin/qemu-img "$added/usr/bin/"
cp -L -r /usr/share/qemu "$added/usr/share/"
cp -L -r /usr/share/seabios "$added/usr/share/"
copy_with_libraries /usr/bin/qemu-system-x86_64 /usr/bin/qemu-img
for module in irqbypass kvm kvm-amd; do copy_module "$added/kvm" "$module"; done
install_daemon "$images"
cp "$here/guest-check.sh" "$added/check.sh"
cp "$here/guest-daemon.sh" "$added/check-daemon.sh"
chmod 0755 "$added/check.sh" "$added/check-daemon.sh"
cp "$here/vers-check.service" "$added/etc/systemd/system/"
ln -s ../vers-check.service "$added/etc/systemd/system/multi-user.target.wants/"

cp --sparse=always "$(readlink -f "$images/default/current")/root.raw" "$work/disk.raw"
chmod 0644 "$work/disk.raw"
truncate -s 3G "$work/disk.raw"
e2fsck -fy "$work/disk.raw" >/dev/null 2>&1 || true
resize2fs "$work/disk.raw" >/dev/null 2>&1
add_files "$added" "$work/disk.raw"

for module in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk; do
    copy_module "$start/modules" "$module"
    if [ -e "$start/modules/$module.ko" ]; then echo "$module.ko" >>"$start/modules/order"; fi
done
cp /bin/busybox "$start/bin/busybox"
cp "$here/guest-init.sh" "$start/init"
(cd "$start" && find . | cpio --quiet -o -H newc | gzip -1) >"$work/initramfs"

timeout 1500 qemu-system-x86_64 -machine q35,hpet=off -accel tcg,thread=multi -cpu max -smp 2 -m 2048 \
    -nodefaults -no-user-config -display none -no-reboot -serial "file:$work/log" \
    -drive "if=virtio,format=raw,file=$work/disk.raw,cache=unsafe" \
    -kernel "/boot/vmlinuz-$(basename "$modules")" -initrd "$work/initramfs" \
    -append "console=ttyS0 panic=-1 quiet systemd.unified_cgroup_hierarchy=1"
cat "$work/log"
grep -q "daemon check passed" "$work/log"
