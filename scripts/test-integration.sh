#!/usr/bin/env bash
# scripts/test-integration.sh [FILTER]: builds what the integration tests need and runs them on real VMs.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
filter=${1:-IntegrationTests|EngineTests}

swift build --build-tests
Guest/build.sh .build/debug/vers-agent
Sources/RAMLayers/build.sh .build/debug/libramlayers.so

VERS_TEST_IMAGES=$(scripts/test-images.sh)
export VERS_TEST_IMAGES
export VERS_TEST_BIN=$PWD/.build/debug
exec swift test --skip-build --no-parallel --filter "$filter"
