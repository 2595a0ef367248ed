#!/usr/bin/env bash
# images/default/root.sh FILE: Debian 12 with systemd and OpenSSH as a sparse raw ext4 of 1024 MiB in FILE.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source-path=SCRIPTDIR source=../lib.sh
source "$here/../lib.sh"

[[ $# -eq 1 ]] || fail "expected: root.sh FILE"
output=$(readlink -f "$1")
require mmdebstrap mmdebstrap mke2fs e2fsprogs tar tar

packages=(
    systemd-sysv openssh-server
    procps iproute2 iputils-ping netbase curl ca-certificates python3 vim-tiny less kmod rsync
)

scratch=$(mktemp --directory "${TMPDIR:-/tmp}/vers-image.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# apt runs outside of the new root with a configuration of its own: give it the host's proxy, and nothing else of it.
# customize.sh takes it out of the image again.
options=()
while IFS= read -r line; do
    options+=("--aptopt=$line")
done < <(apt-config dump 2>/dev/null | grep -E '^Acquire::(http|https)::(Proxy|Verify-Peer|CAInfo)[ :]' || true)

say "packages: Debian bookworm, ${packages[*]}"
# shellcheck disable=SC2016 # $1 is the hook's, not ours
debian_sources | mmdebstrap --quiet --variant=apt --architectures=amd64 --format=tar \
    --include="$(IFS=,; printf '%s' "${packages[*]}")" \
    --aptopt='Acquire::Languages "none"' \
    --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-include=/usr/share/locale/locale.alias' \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --dpkgopt='path-exclude=/usr/share/lintian/*' \
    "${options[@]}" \
    --customize-hook="$(cat "$here/customize.sh")" \
    bookworm "$scratch/root.tar" - 2> >(grep -vE '^I: ' >&2)

say "disk: $(stat --format %s "$scratch/root.tar" | numfmt --to=iec) of files into ext4"
ext4_from_tar "$scratch/root.tar" "$output" 1024 1024 7665727a-0000-4000-8000-64656661756c
