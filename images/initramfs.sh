#!/usr/bin/env bash
# images/initramfs.sh AGENT MODULES FILE: an initramfs with the static AGENT as /init and MODULES (with its order file)
# as /modules, in FILE.
#
# It is not compressed: the host's page cache holds it once for all guests, and unpacking it in the guest costs more
# under emulation than copying it.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$here/lib.sh"

[[ $# -eq 3 ]] || fail "expected: initramfs.sh AGENT MODULES FILE"
require cpio cpio
agent=$1 modules=$2 output=$(readlink -f "$3")
[[ -x $agent ]] || fail "no agent at $agent" "make build"

scratch=$(mktemp --directory "${TMPDIR:-/tmp}/vers-initramfs.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch"/{dev,proc,sys,newroot,modules}
install -m 0755 "$agent" "$scratch/init"
install -m 0644 "$modules"/* "$scratch/modules"
find "$scratch" -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +
(cd "$scratch" && find . -print0 | LC_ALL=C sort -z |
    cpio --quiet --null --create --format=newc --owner=0:0 --reproducible) >"$output"
