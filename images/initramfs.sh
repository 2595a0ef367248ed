#!/usr/bin/env bash
# images/initramfs.sh AGENT MODULES SSH FILE: an initramfs with the static AGENT as /init, MODULES (with its order file) as
# /modules and the programs of SSH as /ssh, in FILE.
#
# It is not compressed: the host's page cache holds it once for all guests, and unpacking it in the guest costs more
# under emulation than copying it.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$here/lib.sh"

[[ $# -eq 4 ]] || fail "expected: initramfs.sh AGENT MODULES SSH FILE"
require cpio cpio
agent=$1 modules=$2 ssh=$3 output=$(readlink -f "$4")
[[ -x $agent ]] || fail "no agent at $agent" "make build"

scratch=$(mktemp --directory "${TMPDIR:-/tmp}/vers-initramfs.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch"/{dev,proc,sys,newroot,modules,ssh}
install -m 0755 "$agent" "$scratch/init"
install -m 0644 "$modules"/* "$scratch/modules"
install -m 0755 "$ssh"/* "$scratch/ssh"
find "$scratch" -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +
(cd "$scratch" && find . -print0 | LC_ALL=C sort -z |
    cpio --quiet --null --create --format=newc --owner=0:0 --reproducible) >"$output"
