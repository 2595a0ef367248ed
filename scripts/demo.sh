#!/usr/bin/env bash
# scripts/demo.sh: from nothing to a tree of branched VMs. A second run uses what the first one made.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=demo/lib.sh
source "$(dirname "$(readlink -f "$0")")/demo/lib.sh"
began=$EPOCHREALTIME

# step WORD...: prints the command as a person would type it, runs it, and says how long it took.
step() {
    local from=$EPOCHREALTIME status=0
    printf '\n$'
    printf ' %s' "$@"
    printf '\n'
    "$@" || status=$?
    printf '  (%s)\n' "$(seconds_since "$from")"
    return "$status"
}

# on MACHINE COMMAND...: `vers execute` of a command; what it printed is left in `answer`.
on() {
    local machine=$1 words=() word from=$EPOCHREALTIME
    shift
    for word in "$@"; do
        if [[ $word == *[[:space:]]* ]]; then words+=("'$word'"); else words+=("$word"); fi
    done
    printf '\n$ vers execute %s -- %s\n' "$machine" "${words[*]}"
    answer=$(vers execute "$machine" -- "$@")
    printf '%s  (%s)\n' "${answer:+$answer$'\n'}" "$(seconds_since "$from")"
}

# expect MESSAGE TEST...: ends the demo with MESSAGE unless the test holds.
expect() {
    local message=$1
    shift
    if ! test "$@"; then
        printf '\nerror: %s\nhint: vers doctor, and %s/versd.log\n' "$message" "$VERS_HOME" >&2
        exit 1
    fi
}

prepare() {
    local from=$EPOCHREALTIME scratch='' root_builder=''
    heading "What is missing"
    scripts/install-dependencies.sh
    if ! command -v swift >/dev/null; then
        printf 'error: swift is not installed\nhint: https://www.swift.org/install/linux\n' >&2
        exit 1
    fi
    # Debian is downloaded and packed while Swift compiles; only the last step needs what Swift made.
    if [[ ! -e $VERS_HOME/images/default/current ]]; then
        mkdir -p "$VERS_HOME"
        chmod 0700 "$VERS_HOME"
        scratch=$(mktemp --directory "$VERS_HOME/.demo.XXXXXX")
        # shellcheck disable=SC2064 # the folder of now
        trap "rm -rf '$scratch'" EXIT
        images/default/root.sh "$scratch/root.raw" >"$scratch/log" 2>&1 &
        root_builder=$!
    fi
    heading "Build"
    make --no-print-directory build
    if [[ -n $root_builder ]]; then
        heading "Base image"
        if ! wait "$root_builder"; then
            cat "$scratch/log" >&2
            exit 1
        fi
        images/build.sh default "$VERS_HOME/images" --agent .build/release/vers-agent --root "$scratch/root.raw"
        rm -rf "$scratch"
        trap - EXIT
    fi
    printf '\nready after %s\n' "$(seconds_since "$from")"
}

# Only VMs that an earlier demo made are replaced.
replace_previous() {
    local previous=''
    if [[ -e $record ]]; then previous=$(head -1 "$record"); fi
    if [[ -n $previous ]] && vers info "$previous" >/dev/null 2>&1; then
        step vers kill -r -y "$previous"
    elif vers info root >/dev/null 2>&1; then
        printf 'error: there is a VM named root that is not the demo'"'"'s\nhint: give it another name with vers alias\n' >&2
        exit 1
    fi
}

play() {
    heading "A root VM, with a process that counts in its memory"
    step vers run -N root
    printf '%s\n%s\n' "$(vers info root --format json | sed -nE 's/.*"vm_id"[ ]*:[ ]*"([^"]+)".*/\1/p' | head -1)" \
        "$started_daemon" >"$record"
    local file
    for file in counter.py count.sh; do
        local target=/usr/local/bin/${file%.*}
        printf '\n$ vers execute -i root -- install -m 755 /dev/stdin %s < scripts/demo/%s\n' "$target" "$file"
        vers execute -i root -- install -m 755 /dev/stdin "$target" <"scripts/demo/$file"
    done
    on root counter
    on root sh -c 'echo written in root > /root/note'
    on root count
    local before=$answer

    heading "The tree: children of a running VM, and children of a child"
    step vers branch root -n child-1
    step vers branch root -n child-2
    step vers branch child-1 -n grandchild-a
    step vers branch child-1 -n grandchild-b

    heading "The process counts on in every one of them, and each goes its own way"
    local machine note counter add=0
    for machine in root child-1 child-2 grandchild-a grandchild-b; do
        add=$((add + 100000))
        on "$machine" count
        expect "the counter of $machine is at $answer, and it was at $before before the branch" "$answer" -gt "$before"
        on "$machine" count "$add"
        if [[ $machine != root ]]; then on "$machine" sh -c "echo written in $machine > /root/note"; fi
    done

    heading "Nothing that one wrote shows in another"
    add=0
    for machine in root child-1 child-2 grandchild-a grandchild-b; do
        add=$((add + 100000))
        on "$machine" sh -c 'cat /root/note; count'
        note=${answer%%$'\n'*} counter=${answer##*$'\n'}
        expect "$machine has another's file: $note" "$note" = "written in $machine"
        expect "$machine has another's counter: $counter" "$((counter / 100000 * 100000))" -eq "$add"
    done

    heading "All of it"
    step vers tree
}

prepare
started_daemon=yes
if daemon_runs; then started_daemon=no; fi
if [[ -e $record && $(tail -1 "$record") == yes ]]; then started_daemon=yes; fi
heading "Daemon"
step vers up
replace_previous
play

cat <<END

The demo took $(seconds_since "$began"). The VMs and the daemon are yours now:

  export PATH=$PWD/.build/release:\$PATH
  vers connect grandchild-a              a shell in one of them
  vers branch child-2 --count 3          three more, from where child-2 is now
  make clean-demo                        remove what the demo made
END
