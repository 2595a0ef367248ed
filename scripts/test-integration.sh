#!/usr/bin/env bash
# scripts/test-integration.sh [FILTER]: builds what the integration tests need and runs them on real VMs.
#
# The engine's own tests run one after the other. Of the others, two suites run at once (Support/Lanes.swift).
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

swift build --build-tests
Guest/build.sh .build/debug/vers-agent
Sources/RAMLayers/build.sh .build/debug/libramlayers.so

VERS_TEST_IMAGES=$(scripts/test-images.sh)
export VERS_TEST_IMAGES
export VERS_TEST_BIN=$PWD/.build/debug
if [[ -n ${1:-} ]]; then exec swift test --skip-build --parallel --filter "$1"; fi
swift test --skip-build --no-parallel --filter '^EngineTests\.'
swift test --skip-build --parallel --filter '^IntegrationTests\.'
