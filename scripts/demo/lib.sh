# shellcheck shell=bash
# What the demo and its removal share.

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
if [[ -z ${VERS_HOME:-} ]]; then
    if [[ $EUID -eq 0 ]]; then VERS_HOME=/var/lib/vers; else VERS_HOME=$HOME/.local/share/vers; fi
fi
export VERS_HOME
PATH=$PWD/.build/release:$PATH

# The root VM's id, and whether the demo started the daemon (yes or no), one a line.
# shellcheck disable=SC2034 # read by those who source this
record=$VERS_HOME/demo

seconds_since() {
    local now=${EPOCHREALTIME/[.,]/} then=${1/[.,]/}
    local ms=$(((now - then) / 1000))
    printf '%d.%02d s' $((ms / 1000)) $((ms % 1000 / 10))
}

heading() { printf '\n== %s\n' "$*"; }

daemon_runs() {
    local pid
    pid=$(sed -nE 's/.*"pid"[ ]*:[ ]*([0-9]+).*/\1/p' "$VERS_HOME/daemon.json" 2>/dev/null | head -1)
    [[ -n $pid ]] && kill -0 "$pid" 2>/dev/null
}
