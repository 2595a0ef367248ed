#!/bin/sh
# Builds libramlayers.so: build.sh OUTPUT
set -eu
output=${1:?usage: build.sh OUTPUT}
sources=$(dirname "$0")
mkdir -p "$(dirname "$output")"
# Linked beside its place and renamed: a QEMU that has the old file mapped keeps it whole.
${CC:-cc} -std=gnu11 -O2 -g -Wall -Wextra -Werror -fvisibility=hidden -fno-semantic-interposition -shared -fPIC \
    -Wl,-z,relro,-z,now "$sources"/*.c -o "$output.$$.tmp"
mv "$output.$$.tmp" "$output"
