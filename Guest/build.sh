#!/bin/sh
# Builds the agent as one static binary.
# usage: Guest/build.sh OUTPUT
set -eu

output=${1:?usage: Guest/build.sh OUTPUT}
package=$(cd "$(dirname "$0")" && pwd)
scratch=$package/../.build-agent

swift build --package-path "$package" --configuration release --product guest-agent --scratch-path "$scratch" \
    -Xswiftc -static-executable --static-swift-stdlib
temporary=$(mktemp "$output.XXXXXX")
trap 'rm -f "$temporary"' EXIT
strip -o "$temporary" "$scratch/release/guest-agent"
chmod 755 "$temporary"
mv "$temporary" "$output"
