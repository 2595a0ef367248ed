#!/usr/bin/env bash
# Benchmarks/run.sh [OPTION...]: builds Vers, makes an instance of its own, measures it, and prints a table.
#
# Options go to vers-bench (`Benchmarks/run.sh --help` lists them), except:
#   --bin DIR     measure what DIR holds (vers, versd, vers-bench, vers-agent, libramlayers.so), and build nothing
#   --standby N   processes that versd keeps ready (2); with 0, every request starts its own
#   --keep        leave the instance's directory, for a look at its logs
#
# Images come from VERS_BENCH_IMAGES (a directory as VERS_HOME/images); unset, they are made and kept in
# ${XDG_CACHE_HOME:-~/.cache}/vers-bench. The instance lies below TMPDIR (default /var/tmp); branches of 4 GiB VMs need some GB there.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
# shellcheck source-path=SCRIPTDIR source=../scripts/instance.sh
source scripts/instance.sh

build=true bin=.build/release keep=false image=default standby=2
arguments=()
while [[ $# -gt 0 ]]; do
    case $1 in
        --bin)
            bin=${2:?--bin needs a directory}
            build=false
            shift
            ;;
        --standby)
            standby=${2:?--standby needs a number}
            shift
            ;;
        --keep) keep=true ;;
        --image)
            image=${2:?--image needs a name}
            arguments+=("$1" "$2")
            shift
            ;;
        *) arguments+=("$1") ;;
    esac
    shift
done
if $build; then
    swift build -c release --product vers
    swift build -c release --product versd
    swift build -c release --product vers-bench
    Guest/build.sh "$bin/vers-agent"
    Sources/RAMLayers/build.sh "$bin/libramlayers.so"
fi
for argument in "${arguments[@]}"; do
    if [[ $argument == --help || $argument == -h ]]; then exec "$bin/vers-bench" --help; fi
done

# Keyed by what they are made of. Root disks are keyed apart from the agent, so that a changed agent does not rebuild
# Debian.
hash_of() { cat "$@" | sha256sum | cut -c -16; }
cache=${XDG_CACHE_HOME:-$HOME/.cache}/vers-bench
images=${VERS_BENCH_IMAGES:-}
if [[ -z $images ]]; then
    mapfile -t recipe < <(find images/lib.sh "images/$image" -type f | LC_ALL=C sort)
    root=$cache/roots/$image-$(hash_of "${recipe[@]}").raw
    images=$cache/images/$(hash_of "${recipe[@]}" images/{kernel,programs,initramfs,build}.sh "$bin/vers-agent")
    mkdir -p "$cache/roots" "$images"
    if [[ ! -e $root ]]; then
        "images/$image/root.sh" "$root.partial"
        mv "$root.partial" "$root"
    fi
    images/build.sh "$image" "$images" --agent "$bin/vers-agent" --root "$root" --if-missing
fi

results=''
before_removal() {
    if [[ -e $results ]]; then printf 'results: %s\n' "$results"; fi
    if ! $keep; then return 0; fi
    printf 'instance: %s\n' "$home" >&2
    return 1
}
make_instance vers-bench
install_image "$images/$image" "$image"
cc -static -O2 -Wall -Wextra -o "$home/bench-guest" Benchmarks/guest/bench-guest.c

start_instance "$bin/versd" --standby "$standby"

mkdir -p Benchmarks/results
results=$PWD/Benchmarks/results/$(date --utc +%Y-%m-%dT%H%M%SZ)-$(uname -n).json
"$bin/vers-bench" --home "$home" --guest-program "$home/bench-guest" --output "$results" \
    --vers "$(readlink -f "$bin/vers")" --standby "$standby" "${arguments[@]}"
