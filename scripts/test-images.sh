#!/usr/bin/env bash
# scripts/test-images.sh [NAME...]: makes the images that tests boot, all by default, and prints the directory they are in.
# Needs .build/debug/vers-agent. VERS_TEST_IMAGES, when it is set, is that directory, and nothing is made.
#
# Images are kept in ${XDG_CACHE_HOME:-~/.cache}/vers-test, keyed by what they are made of, so that a second run makes
# none. Root disks are keyed apart from the agent, so that a changed agent does not rebuild Debian.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
if [[ -n ${VERS_TEST_IMAGES:-} ]]; then
    printf '%s\n' "$VERS_TEST_IMAGES"
    exit
fi
names=("$@")
if [[ ${#names[@]} -eq 0 ]]; then names=(tiny default); fi
# Standard output is the answer; what the recipes print goes to standard error.
exec 8>&1 1>&2

cache=${XDG_CACHE_HOME:-$HOME/.cache}/vers-test
mkdir -p "$cache/roots" "$cache/images"
# One run at a time fills the cache; another waits for it and then finds it filled.
exec 9>"$cache/lock"
flock 9

hash_of() { cat "$@" | sha256sum | cut -c -16; }
files_in() { find "$@" -type f | LC_ALL=C sort; }

mapfile -t common < <(files_in images/lib.sh images/kernel.sh images/programs.sh images/initramfs.sh images/build.sh)
mapfile -t roots < <(files_in images/default images/tiny)
images=$cache/images/$(hash_of "${common[@]}" "${roots[@]}" .build/debug/vers-agent)
for name in "${names[@]}"; do
    if [[ -e $images/$name/current ]]; then continue; fi
    mapfile -t recipe < <(files_in "images/$name")
    root=$cache/roots/$name-$(hash_of images/lib.sh "${recipe[@]}").raw
    if [[ ! -e $root ]]; then
        "images/$name/root.sh" "$root.partial"
        mv "$root.partial" "$root"
    fi
    images/build.sh "$name" "$images" --agent .build/debug/vers-agent --root "$root" --if-missing
done
# Of earlier agents' images the two newest stay.
find "$cache/images" -mindepth 1 -maxdepth 1 -type d -printf '%T@ %p\n' | sort -rn | tail -n +4 | cut -d ' ' -f 2- |
    xargs --no-run-if-empty rm -rf
printf '%s\n' "$images" >&8
