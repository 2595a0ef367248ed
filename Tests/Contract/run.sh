#!/usr/bin/env bash
# Tests/Contract/run.sh [PYTEST ARGUMENT...]: the API as others see it, against a versd of its own and real VMs.
#
# First Schemathesis, which asks what the OpenAPI document allows and forbids and compares the answers with it; then the
# public Python SDK, every method. With arguments, only the SDK's tests: they go to pytest.
#
# Needs .build/debug/{versd,vers-agent,libramlayers.so} (`make build-debug`) and python3 with venv. The Python packages
# are kept in ${XDG_CACHE_HOME:-~/.cache}/vers-contract, keyed by requirements.txt.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
# shellcheck source-path=SCRIPTDIR source=../../scripts/instance.sh
source scripts/instance.sh
here=$PWD/Tests/Contract bin=$PWD/.build/debug

# Made under another name and renamed, so that an interrupted run leaves nothing that looks complete. Programs in it are
# run through its python, so that the name does not matter.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/vers-contract
packages=$cache/$({ python3 --version; cat "$here/requirements.txt"; } | sha256sum | cut -c -16)
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
if [[ ! -e $packages ]]; then
    rm -rf "$packages.partial"
    python3 -m venv "$packages.partial"
    "$packages.partial/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
        --requirement "$here/requirements.txt"
    mv "$packages.partial" "$packages"
fi
flock --unlock 9
exec 9>&-

images=$(scripts/test-images.sh tiny)
before_removal() {
    if [[ $1 -eq 0 || ! -e $home/versd.log ]]; then return 0; fi
    printf 'the last errors of versd:\n' >&2
    grep -E ' (error|critical) ' "$home/versd.log" | tail -n 20 >&2 || true
}
make_instance vers-contract
# Without a name, clients get `default`.
for name in tiny default; do install_image "$images/tiny" "$name"; done

start_instance "$bin/versd"

VERS_CONTRACT_URL=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["url"])' "$home/daemon.json")
VERS_CONTRACT_KEY=$(<"$home/owner.key")
export VERS_CONTRACT_URL VERS_CONTRACT_KEY PYTHONDONTWRITEBYTECODE=1
# In the instance's directory, so that whatever these leave behind goes with it.
export HYPOTHESIS_STORAGE_DIRECTORY=$home/hypothesis VERS_CONTRACT_REACHED=$home/reached.json
cd "$here"
if [[ $# -eq 0 ]]; then
    "$packages/bin/python" -m schemathesis.cli --config-file schemathesis.toml run "$VERS_CONTRACT_URL/openapi.json"
fi
"$packages/bin/python" -m pytest -p no:cacheprovider --quiet "$@"
