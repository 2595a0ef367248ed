#!/usr/bin/env bash
# images/programs.sh FOLDER: what is brought to images that may have none of it, and uses nothing of them. In FOLDER: Debian's
# static busybox, and an SSH server, Debian's dropbear and OpenSSH's sftp-server, with the libraries that they need and the
# dynamic linker, as ld.so, by which they are started.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$here/lib.sh"

[[ $# -eq 1 ]] || fail "expected: programs.sh FOLDER"
mkdir -p "$1"
output=$(readlink -f "$1")
require dpkg-deb dpkg

packages=(busybox-static dropbear-bin openssh-sftp-server libc6 libcrypt1 libtomcrypt1 libtommath1 libgmp10 zlib1g)
libraries=(libc.so.6 libcrypt.so.1 libtomcrypt.so.1 libtommath.so.1 libgmp.so.10 libz.so.1)

scratch=$(mktemp --directory "${TMPDIR:-/tmp}/vers-programs.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
tree=$scratch/tree
for package in "${packages[@]}"; do
    download_package "$package" "$scratch"
    dpkg-deb --extract "$scratch/$package"_*.deb "$tree"
done

install -m 0755 "$tree/bin/busybox" "$tree/usr/sbin/dropbear" "$tree/usr/lib/openssh/sftp-server" "$output"
install -m 0755 "$tree"/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 "$output/ld.so"
for library in "${libraries[@]}"; do
    for folder in "$tree/lib/x86_64-linux-gnu" "$tree/usr/lib/x86_64-linux-gnu"; do
        if [[ -e $folder/$library ]]; then install -m 0644 "$folder/$library" "$output"; fi
    done
done

# Its shell must find its own tools before any of an image, or without one.
tool=$(PATH='' "$output/busybox" sh -c 'command -v tar' </dev/null) || tool=nothing
[[ $tool == tar ]] || fail "busybox of Debian has a shell without tools of its own: tar is $tool"
# A library that a newer package began to need is found out here, not in a guest.
for program in dropbear sftp-server; do
    needed=$("$output/ld.so" --inhibit-cache --library-path "$output" --list "$output/$program")
    if grep --invert-match --quiet -E "=> $output/|linux-vdso|ld-linux" <<<"$needed"; then
        fail "$program of Debian needs more than these libraries: $needed" "add the package of what is missing to $0"
    fi
done
