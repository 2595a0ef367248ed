#!/usr/bin/env bash
# scripts/section.sh NAME COMMAND...: runs a part of a longer run under a heading, and says what it took.
set -uo pipefail

name=$1
shift
printf '\n==> %s\n' "$name"
"$@"
status=$?
if [[ $status -eq 0 ]]; then
    printf '==> %s: %d s\n' "$name" "$SECONDS"
else
    printf '\n==> %s failed after %d s\n' "$name" "$SECONDS" >&2
fi
exit "$status"
