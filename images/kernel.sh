#!/usr/bin/env bash
# images/kernel.sh FOLDER: Debian's newest cloud kernel for amd64, unpacked and not installed: FOLDER/kernel (a bzImage),
# FOLDER/modules/ (those the guest needs before it has a root) with their load order in FOLDER/modules/order, and
# FOLDER/version.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$here/lib.sh"

[[ $# -eq 1 ]] || fail "expected: kernel.sh FOLDER"
mkdir -p "$1"
output=$(readlink -f "$1")
require dpkg-deb dpkg depmod kmod

# virtio_ring and virtio come first by their dependencies; rng-core, ext4 and their like are built in.
# inet_diag and its two let `ss` work and dead connections be closed after a branch.
wanted=(
    virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci
    virtio_blk failover net_failover virtio_net virtio_console rng-core virtio-rng
    inet_diag tcp_diag udp_diag pvpanic pvpanic-pci
)

scratch=$(mktemp --directory "${TMPDIR:-/tmp}/vers-kernel.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# The metapackage depends on exactly one versioned kernel.
download_package linux-image-cloud-amd64 "$scratch"
package=$(dpkg-deb --field "$scratch"/linux-image-cloud-amd64_*.deb Depends | grep -oE 'linux-image-[^ ,]+' | head -1)
download_package "$package" "$scratch"
version=${package#linux-image-}
tree=$scratch/tree
dpkg-deb --extract "$scratch/$package"_*.deb "$tree"
PATH="$PATH:/usr/sbin:/sbin" depmod --basedir "$tree" "$version"

# modules.dep names what a module needs in the reverse of the order in which to load it.
modules=$tree/lib/modules/$version
mkdir -p "$output/modules"
: >"$output/modules/order"
for name in "${wanted[@]}"; do
    pattern=/${name//[-_]/[-_]}\\.ko
    if grep -q "$pattern\$" "$modules/modules.builtin"; then continue; fi
    line=$(grep "$pattern:" "$modules/modules.dep") || fail "kernel $version has no module $name"
    read -ra files <<<"${line/:/}"
    for ((i = ${#files[@]} - 1; i >= 0; i--)); do
        base=${files[i]##*/}
        if ! grep -qxF "$base" "$output/modules/order"; then
            cp "$modules/${files[i]}" "$output/modules/$base"
            printf '%s\n' "$base" >>"$output/modules/order"
        fi
    done
done

cp "$tree/boot/vmlinuz-$version" "$output/kernel"
printf '%s\n' "$version" >"$output/version"
