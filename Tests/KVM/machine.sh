# shellcheck shell=sh
# Sourced by what runs something under KVM on a host that has none: an emulated machine with an AMD processor offers SVM. Its
# kernel is Debian's cloud kernel, of which an initramfs loads the disk's driver and goes over to what the disk holds.
#
# Before: `work`, a directory to work in, and `kvm`, the directory of this file.
# shellcheck disable=SC2154
modules=$(find /lib/modules -maxdepth 1 -name "*-cloud-amd64" | sort -V | tail -n 1)

# copy_module FOLDER NAME: puts a module into a directory, if it is none that is built in.
copy_module() {
    file=$(find "$modules" -name "$2.ko" | head -n 1)
    if [ -n "$file" ]; then cp "$file" "$1/"; fi
}

# copy_qemu FOLDER: QEMU's data and the modules of KVM; the programs are the caller's.
copy_qemu() {
    mkdir -p "$1/kvm" "$1/usr/bin" "$1/usr/share"
    cp -L -r /usr/share/qemu /usr/share/seabios "$1/usr/share/"
    for module in irqbypass kvm kvm-amd; do copy_module "$1/kvm" "$module"; done
}

# run_machine DISK SECONDS MEMORY-MIB PROGRAM [KERNEL-ARGUMENT]: runs PROGRAM of the disk, and prints what it said.
run_machine() {
    start=$work/start
    rm -rf "$start"
    mkdir -p "$start/bin" "$start/modules"
    for module in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk; do
        copy_module "$start/modules" "$module"
        if [ -e "$start/modules/$module.ko" ]; then echo "$module.ko" >>"$start/modules/order"; fi
    done
    cp /bin/busybox "$start/bin/busybox"
    cp "$kvm/guest-init.sh" "$start/init"
    (cd "$start" && find . | cpio --quiet -o -H newc | gzip -1) >"$work/initramfs"
    timeout "$2" qemu-system-x86_64 -machine q35,hpet=off -accel tcg,thread=multi -cpu max -smp 2 -m "$3" \
        -nodefaults -no-user-config -display none -no-reboot -serial "file:$work/log" \
        -drive "if=virtio,format=raw,file=$1,cache=unsafe" \
        -kernel "/boot/vmlinuz-$(basename "$modules")" -initrd "$work/initramfs" \
        -append "console=ttyS0 panic=-1 quiet vers_program=$4 ${5:-}"
    cat "$work/log"
}
