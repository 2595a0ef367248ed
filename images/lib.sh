# shellcheck shell=bash
# What the image scripts share: messages, temporary folders, and the two things that need a user namespace
# when the caller is not root.

say() { printf '%s\n' "$*" >&2; }

fail() {
    printf 'error: %s\n' "$1" >&2
    if [[ $# -gt 1 ]]; then printf 'hint: %s\n' "$2" >&2; fi
    exit 1
}

# require COMMAND PACKAGE...: fails, naming the Debian package, when the command is not there.
require() {
    while [[ $# -gt 0 ]]; do
        PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null ||
            fail "$1 is not installed" "apt-get install $2, or run scripts/install-dependencies.sh"
        shift 2
    done
}

# All times in an image are clamped to this one: the day of the build, so that two builds of one day from the
# same packages give the same bytes.
if [[ -z ${SOURCE_DATE_EPOCH:-} ]]; then
    SOURCE_DATE_EPOCH=$(date --utc --date "$(date --utc +%F)" +%s)
fi
export SOURCE_DATE_EPOCH

# as_root COMMAND...: runs it as root, or as the root of a user namespace, or under fakeroot.
# The command sees the caller's open files; it must not count on reaching the caller's home folder.
as_root() {
    if [[ $EUID -eq 0 ]]; then
        "$@"
    elif mmdebstrap --unshare-helper true 2>/dev/null; then
        mmdebstrap --unshare-helper "$@"
    elif command -v fakeroot >/dev/null; then
        fakeroot -- "$@"
    else
        fail "files cannot be given to root: there are no user namespaces and no fakeroot" \
            "apt-get install uidmap (and give this user a range in /etc/subuid), or run as root"
    fi
}

# ext4_from_tar TAR FILE SIZE_MIB MAX_GIB UUID: makes FILE, a sparse raw ext4 of SIZE_MIB with the contents of TAR,
# that can grow to MAX_GIB while it is mounted.
#
# Nothing is left for the guest's kernel to initialise, and no time or random number of the build gets in.
ext4_from_tar() {
    local tar=$1 file=$2 size_mib=$3 max_gib=$4 uuid=$5
    truncate --size "${size_mib}M" "$file"
    # Opened again inside the namespace, by a user who is not the owner.
    chmod 0666 "$file"
    # shellcheck disable=SC2016 # the variables are those of the inner shell
    as_root bash -c '
        set -euo pipefail
        export PATH="$PATH:/usr/sbin:/sbin" E2FSPROGS_FAKE_TIME="$SOURCE_DATE_EPOCH"
        root=$(mktemp --directory "${TMPDIR:-/tmp}/vers-root.XXXXXX")
        trap "rm -rf \"\$root\"" EXIT
        # The kernel fills /dev, and a user namespace may not make devices.
        tar --extract --numeric-owner --preserve-permissions --xattrs --xattrs-include="*" --exclude="./dev/*" \
            --directory "$root" <&3
        chmod 0755 "$root"
        mke2fs -q -F -t ext4 -b 4096 -m 0 -L vers -U "$3" -d "$root" \
            -E "hash_seed=$3,root_owner=0:0,resize=$2,lazy_itable_init=0,assume_storage_prezeroed=1,nodiscard" \
            /proc/self/fd/4 "$1"M
    ' ext4_from_tar "$size_mib" "$((max_gib * 262144))" "$uuid" 3<"$tar" 4<>"$file"
    chmod 0644 "$file"
    clamp_inode_times "$file"
    PATH="$PATH:/usr/sbin:/sbin" e2fsck -f -n "$file" >/dev/null 2>&1 ||
        fail "the file system made in $file does not pass e2fsck"
}

# clamp_inode_times FILE: mke2fs copies the times of access and change, which are those of the unpacking. In a file
# system that mke2fs filled, the inodes in use are consecutive.
clamp_inode_times() {
    local last
    last=$(PATH="$PATH:/usr/sbin:/sbin" dumpe2fs -h "$1" 2>/dev/null |
        awk '/^Inode count:/ { count = $3 } /^Free inodes:/ { free = $3 } END { print count - free }')
    seq 12 "$last" | sed "s/.*/sif <&> atime @$SOURCE_DATE_EPOCH\nsif <&> ctime @$SOURCE_DATE_EPOCH/" |
        PATH="$PATH:/usr/sbin:/sbin" E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH debugfs -w -f - "$1" >/dev/null 2>&1
}

# debian_sources: the host's own apt sources of Debian bookworm's main component, one `deb` line each, or Debian's
# public mirror when the host is not a Debian bookworm.
debian_sources() {
    local sources
    # shellcheck disable=SC2016 # apt's fields, not variables
    sources=$(apt-get indextargets --format '$(ORIGIN)|$(CODENAME)|$(COMPONENT)|$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
        awk -F'|' '$1 == "Debian" && $2 ~ /^bookworm(-updates|-security)?$/ && $3 == "main" && !seen[$2]++ {
            print "deb " $4, $2, $3
        }')
    if ! grep -q ' bookworm main$' <<<"$sources"; then
        sources="deb http://deb.debian.org/debian bookworm main
deb http://deb.debian.org/debian bookworm-updates main
deb http://deb.debian.org/debian-security bookworm-security main"
    fi
    printf '%s\n' "$sources"
}

# download_package NAME FOLDER: the newest NAME for amd64 in FOLDER, without root and without installing it.
# Falls back on package lists of its own when the host's are missing or stale.
download_package() {
    local name=$1 folder=$2
    local options=(-qq -o APT::Sandbox::User="$(id -un)" -o APT::Architecture=amd64)
    (cd "$folder" && apt-get "${options[@]}" download "$name" 2>/dev/null) && return
    local state=$folder/apt
    mkdir -p "$state/lists/partial" "$state/archives/partial"
    : >"$state/status"
    debian_sources >"$state/sources.list"
    options+=(-o Dir::State="$state" -o Dir::State::status="$state/status" -o Dir::Cache="$state"
        -o Dir::Etc::SourceList="$state/sources.list" -o Dir::Etc::SourceParts=/dev/null)
    apt-get "${options[@]}" update >&2
    (cd "$folder" && apt-get "${options[@]}" download "$name" >&2) ||
        fail "package $name cannot be downloaded" "check the network and /etc/apt/sources.list"
}
