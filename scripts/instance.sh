# shellcheck shell=bash
# Sourced by scripts that need a versd of their own:
#
#   make_instance NAME        $home: a directory of its own in TMPDIR (default /var/tmp), removed at the end with all that runs
#   install_image DIRECTORY NAME       the image that lies there, under this name
#   start_instance VERSD [OPTION...]   returns when it serves
#   before_removal STATUS     may be defined anew: called at the end, when nothing runs any more; keeps $home if it fails

home='' instance_daemon=''

before_removal() { :; }

make_instance() {
    trap end_instance EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    home=$(mktemp --directory "${TMPDIR:-/var/tmp}/$1.XXXXXX")
    mkdir "$home/images"
}

# Shared with the original where that can be: a VM's own user may not get to where the original lies.
install_image() {
    local source
    source=$(readlink -f "$1")
    if ! cp --archive --link "$source" "$home/images/$2" 2>/dev/null; then
        rm -rf "${home:?}/images/$2"
        cp --archive --sparse=always "$source" "$home/images/$2"
    fi
}

start_instance() {
    local versd=$1
    shift
    mkfifo "$home/ready"
    exec 3<>"$home/ready"
    "$versd" --home "$home" --listen 127.0.0.1:0 --ready-fd 3 "$@" </dev/null 2>>"$home/versd.log" &
    instance_daemon=$!
    if ! read -r -t 60 -u 3; then
        printf 'versd did not get ready within 60 s:\n' >&2
        tail -n 20 "$home/versd.log" >&2
        exit 1
    fi
    exec 3>&-
}

# Ends the daemon, then every QEMU of this instance: their working directories lie below its home.
end_instance() {
    local status=$? directory
    trap - EXIT INT TERM
    if [[ -z $home ]]; then exit "$status"; fi
    if [[ -n $instance_daemon ]] && kill "$instance_daemon" 2>/dev/null; then wait "$instance_daemon" || true; fi
    for directory in /proc/[0-9]*; do
        if [[ $(readlink "$directory/cwd" 2>/dev/null) == "$home"/* ]]; then
            kill -KILL "${directory#/proc/}" 2>/dev/null || true
        fi
    done
    if before_removal "$status"; then rm -rf "$home"; fi
    exit "$status"
}
