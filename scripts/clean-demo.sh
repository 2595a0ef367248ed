#!/usr/bin/env bash
# scripts/clean-demo.sh: removes the demo's VMs and whatever was branched from them, and stops the daemon if the demo
# started it. The image and the build stay.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=demo/lib.sh
source "$(dirname "$(readlink -f "$0")")/demo/lib.sh"

if [[ ! -e $record ]]; then
    echo "the demo left nothing in $VERS_HOME"
    exit
fi
{ read -r root && read -r started_daemon; } <"$record"
vers up
if vers info "$root" >/dev/null 2>&1; then vers kill -r -y "$root"; fi
if [[ $started_daemon == yes ]]; then vers down; fi
rm -f "$record"
