#!/usr/bin/env bash
# scripts/test-unit.sh: builds and runs the tests that boot no VM, in two processes that take about as long as each other.
# Within one, tests run one after the other: some wait for time that others would take from them.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
# The first process runs the tests of these modules, the second all others.
first='^(RAMLayersTests|GuestConnectionTests|FrontDoorTests|VersServerTests)\.'

swift build --build-tests
# Started as `swift test` starts it, which runs once at a time.
run() { .build/debug/versPackageTests.xctest --testing-library swift-testing --no-parallel "$@"; }

output=$(mktemp "${TMPDIR:-/tmp}/vers-test-unit.XXXXXX")
run --skip "$first" --skip '^(IntegrationTests|EngineTests)\.' >"$output" 2>&1 &
second=$!
trap 'kill "$second" 2>/dev/null || true; rm -f "$output"' EXIT
status=0
run --filter "$first" || status=$?
wait "$second" || status=$?
cat "$output"
exit "$status"
