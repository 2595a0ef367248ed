#!/usr/bin/env bash
# images/build.sh: makes an image that versd can start VMs from. See usage below.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$here/lib.sh"

usage() {
    cat <<'END'
usage: images/build.sh NAME OUTPUT_DIR [--agent FILE] [--root FILE] [--if-missing]

Makes OUTPUT_DIR/NAME/<build-id>/{manifest.json,kernel,initramfs,root.raw} and points OUTPUT_DIR/NAME/current at it.
Earlier builds stay: the VMs made from them need them.

  NAME          default (Debian 12 with systemd and OpenSSH) or tiny (busybox)
  --agent FILE  the static vers-agent (default: beside this folder's installation, or .build/release/vers-agent)
  --root FILE   a root disk made before with images/NAME/root.sh
  --if-missing  do nothing when OUTPUT_DIR/NAME/current is there

Needs no root. Downloads Debian packages with the host's apt sources and proxy, and installs nothing on the host.
END
}

name='' output='' agent='' root='' if_missing=false
while [[ $# -gt 0 ]]; do
    case $1 in
        -h | --help) usage && exit ;;
        --agent) agent=${2:?--agent needs a file} && shift ;;
        --root) root=${2:?--root needs a file} && shift ;;
        --if-missing) if_missing=true ;;
        -*) usage >&2 && fail "unknown option '$1'" ;;
        *)
            if [[ -z $name ]]; then name=$1; elif [[ -z $output ]]; then output=$1; else fail "unexpected '$1'"; fi
            ;;
    esac
    shift
done
[[ -n $name && -n $output ]] || { usage >&2 && fail "expected a name and a folder"; }

case $name in
    default) description="Debian 12 with systemd and OpenSSH" init=/sbin/init ;;
    tiny) description="busybox" init=/sbin/init ;;
    *) fail "unknown image '$name': expected default or tiny" ;;
esac

if $if_missing && [[ -e $output/$name/current/manifest.json ]]; then
    say "image $name: $(readlink -f "$output/$name/current") is there"
    exit
fi

if [[ -z $agent ]]; then
    for agent in "$here/../vers-agent" "$here/../../../lib/vers/vers-agent" "$here/../.build/release/vers-agent"; do
        if [[ -x $agent ]]; then break; fi
    done
fi
[[ -x $agent ]] || fail "no vers-agent at $agent" "make build, or name one with --agent"
if grep --quiet --text --fixed-strings /ld-linux "$agent"; then
    fail "$agent is linked dynamically: the agent starts before there are libraries" "make one with Guest/build.sh"
fi

mkdir -p "$output/$name"
build_id=$(</proc/sys/kernel/random/uuid)
folder=$output/$name/$build_id
partial=$output/$name/.$build_id.partial
mkdir "$partial"
kernel=$(mktemp --directory "${TMPDIR:-/tmp}/vers-kernel.XXXXXX")
programs=$(mktemp --directory "${TMPDIR:-/tmp}/vers-programs.XXXXXX")
trap 'rm -rf "$partial" "$kernel" "$programs"' EXIT

say "image $name: kernel"
"$here/kernel.sh" "$kernel"
cp "$kernel/kernel" "$partial/kernel"
say "image $name: programs of the agent"
"$here/programs.sh" "$programs"
"$here/initramfs.sh" "$agent" "$kernel/modules" "$programs" "$partial/initramfs"
if [[ -n $root ]]; then
    cp --sparse=always --reflink=auto "$root" "$partial/root.raw"
else
    say "image $name: root disk"
    "$here/$name/root.sh" "$partial/root.raw"
fi
chmod 0444 "$partial"/{kernel,initramfs,root.raw}

cat >"$partial/manifest.json" <<END
{
  "format": 1,
  "name": "$name",
  "build_id": "$build_id",
  "created_at": "$(date --utc +%FT%TZ)",
  "kernel": "kernel",
  "initramfs": "initramfs",
  "disk": "root.raw",
  "disk_format": "raw",
  "disk_size_mib": $(($(stat --format %s "$partial/root.raw") / 1048576)),
  "kernel_version": "$(<"$kernel/version")",
  "architecture": "x86_64",
  "init": "$init",
  "description": "$description"
}
END

# Complete on the disk before it has its name, and named before `current` says so.
sync "$partial"/* "$partial"
mv --no-target-directory "$partial" "$folder"
sync "$output/$name"
ln -s "$build_id" "$output/$name/.current.$build_id"
mv --no-target-directory "$output/$name/.current.$build_id" "$output/$name/current"
sync "$output/$name"
say "image $name: $folder"
