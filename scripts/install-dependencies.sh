#!/usr/bin/env bash
# Installs what Vers needs and this machine lacks, from Debian's packages: as root, or with sudo.
# With --development, also what `make lint` and the tests need. Does nothing, quickly, when nothing is missing.
set -euo pipefail

packages=(
    qemu-system-x86 qemu-utils                     # the VMs and their disks
    iproute2 nftables dnsmasq-base                 # private networks of VMs
    mmdebstrap e2fsprogs cpio lz4 kmod uidmap      # the images
    zstd                                           # images with zstd layers
    gcc libc6-dev libsqlite3-dev libssl-dev zlib1g-dev libext2fs-dev # the build
    make git openssh-client ca-certificates
)
# The engine's tests boot the host's cloud kernel with a small busybox; those of images use a registry, and the
# contract's are in Python.
if [[ ${1:-} == --development ]]; then
    packages+=(shellcheck linux-image-cloud-amd64 busybox-static seabios docker-registry python3-venv rsync)
fi

missing=()
for package in "${packages[@]}"; do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
    if [[ $status != installed ]]; then missing+=("$package"); fi
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

if [[ $EUID -eq 0 ]]; then
    as_root=()
elif command -v sudo >/dev/null && { [[ -t 0 ]] || sudo --non-interactive true 2>/dev/null; }; then
    as_root=(sudo)
else
    echo "error: these Debian packages are missing, and there is neither root nor sudo: ${missing[*]}" >&2
    echo "hint: as root, run: apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
fi

echo "installing from Debian: ${missing[*]}"
"${as_root[@]}" apt-get -qq update
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq --yes --no-install-recommends \
    -o Dpkg::Use-Pty=0 install "${missing[@]}" >/dev/null
