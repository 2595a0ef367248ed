#!/usr/bin/env bash
# images/initramfs.sh AGENT MODULES PROGRAMS FILE: an initramfs with the static AGENT as /init, MODULES (with its order file)
# as /modules and PROGRAMS as /programs, in FILE.
#
# The kernel is given two archives. What every boot needs is compressed by LZ4, which halves it and costs a boot under
# emulation 0.06 s of 2.8; the programs, which few guests ever start, by zstd, which makes two fifths of them.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$here/lib.sh"

[[ $# -eq 4 ]] || fail "expected: initramfs.sh AGENT MODULES PROGRAMS FILE"
require cpio cpio lz4 lz4 zstd zstd
agent=$1 modules=$2 programs=$3 output=$(readlink -f "$4")
[[ -x $agent ]] || fail "no agent at $agent" "make build"

scratch=$(mktemp --directory "${TMPDIR:-/tmp}/vers-initramfs.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch"/{dev,proc,sys,newroot,modules,programs}
install -m 0755 "$agent" "$scratch/init"
install -m 0644 "$modules"/* "$scratch/modules"
install -m 0755 "$programs"/* "$scratch/programs"
find "$scratch" -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +
# pack FIND-ARGUMENT...: an archive of what `find` finds, on standard output.
pack() {
    (cd "$scratch" && find "$@" -print0 | LC_ALL=C sort -z |
        cpio --quiet --null --create --format=newc --owner=0:0 --reproducible)
}
pack . -path ./programs -prune -o | lz4 -q -l -9 >"$output"
# Another archive may be put behind one, at a multiple of four bytes. The kernel takes LZ4's old format, which has no end,
# for ended by a block of size 0.
truncate --size "$((($(stat --format %s "$output") + 3) / 4 * 4 + 4))" "$output"
pack ./programs | zstd -q -19 >>"$output"
truncate --size %4 "$output"
