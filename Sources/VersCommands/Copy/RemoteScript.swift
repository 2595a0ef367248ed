import VersAPI

/// What runs in a VM at the other end of a copy: for the toolbox's shell, which is busybox with all that it can do.
enum RemoteScript {
    /// Added to the exit status of `vers`, so that no program of the shell's means it by chance.
    private static let statusBase: Int32 = 100
    /// Before what a script says of its failure, on stderr.
    static let reasonMark = "error: "

    /// What a script's exit status says, after it has given the reason; nil when it has failed in another way.
    static func code(ofStatus status: Int32) -> ErrorCode? {
        [ErrorCode.notFound, .conflict, .invalidArgument].first { $0.exitStatus + statusBase == status }
    }

    /// Paths of root's home; reasons that name the VM's side.
    private static let prelude = """
        set -e
        fail() { printf 'error: %s\\n' "$2" >&2; exit "$1"; }
        missing() { fail 103 "$1"; }
        conflict() { fail 104 "$1"; }
        invalid() { fail 105 "$1"; }
        home() { case $1 in '~') printf '%s\\n' "$HOME" ;; '~/'*) printf '%s\\n' "$HOME/${1#'~/'}" ;; *) printf '%s\\n' "$1" ;; esac; }
        parent() { case $1 in */*) p=${1%/*}; printf '%s\\n' "${p:-/}" ;; *) echo . ;; esac; }
        in_directory() { if [ -d "$1" ] && [ "$2" != . ]; then printf '%s/%s\\n' "${1%/}" "$2"; else printf '%s\\n' "$1"; fi; }

        """

    /// Arguments: destination, name of the source, key of its content, size, mode, time. Says which part is there, and
    /// takes the rest from stdin.
    static let receiveFile =
        prelude + """
            umask 077
            path=$(in_directory "$(home "$1")" "$2") key=$3 size=$4 mode=$5 time=$6
            case $path in */) missing "no such directory: $path" ;; esac
            if [ -d "$path" ]; then conflict "is a directory: $path"; fi
            folder=$(parent "$path")
            if [ ! -d "$folder" ]; then missing "no such directory: $folder"; fi
            part=${folder%/}/.${path##*/}.$key.vers-part
            have=0
            if [ -f "$part" ] && [ ! -L "$part" ]; then have=$(stat -c %s "$part"); fi
            if [ "$have" -gt "$size" ]; then have=0; fi
            if [ "$have" -eq 0 ]; then rm -f "$part"; fi
            echo "$have"
            cat >>"$part"
            if [ "$(stat -c %s "$part")" != "$size" ]; then fail 1 "incomplete: $path"; fi
            chmod "$mode" "$part"
            touch -d "@$time" "$part"
            mv -f "$part" "$path"
            """

    /// Arguments: destination, a key. Takes stdin into a part, which ``finishStream`` names. Nobody can go on with it: it is
    /// removed when the script is ended.
    static let receiveStream =
        prelude + """
            path=$(home "$1")
            if [ -d "$path" ]; then conflict "is a directory: $path"; fi
            folder=$(parent "$path")
            if [ ! -d "$folder" ]; then missing "no such directory: $folder"; fi
            part=${folder%/}/.${path##*/}.$2.vers-part
            trap 'rm -f "$part"; exit 1' HUP INT TERM
            cat >"$part" || { rm -f "$part"; fail 1 "cannot write: $path"; }
            """

    /// Arguments: destination, the key, the size that was sent.
    static let finishStream =
        prelude + """
            path=$(home "$1")
            folder=$(parent "$path")
            part=${folder%/}/.${path##*/}.$2.vers-part
            if [ "$(stat -c %s "$part")" != "$3" ]; then rm -f "$part"; fail 1 "incomplete: $path"; fi
            mv -f "$part" "$path"
            """

    /// Arguments: destination, name of the source, name of the archive's last member. Takes an archive from stdin.
    static let receiveTree =
        prelude + """
            given=$(home "$1") mark=$3
            path=$(in_directory "${given%/}" "$2")
            folder=$(parent "$path")
            if [ ! -d "$folder" ]; then missing "no such directory: $folder"; fi
            stage=$(mktemp -d "${folder%/}/.vers-copy.XXXXXX")
            trap 'rm -rf "$stage"' EXIT
            trap 'exit 1' HUP INT TERM PIPE
            tar -x -p -o -f - -C "$stage"
            if [ ! -f "$stage/$mark" ]; then fail 1 "incomplete: $path"; fi
            time=$(stat -c %Y "$stage")
            rm -f "$stage/$mark"
            touch -d "@$time" "$stage"
            if [ -d "$path" ]; then
                cp -a -l -f "$stage/." "$path/"
            elif [ -e "$path" ] || [ -L "$path" ]; then
                conflict "not a directory: $path"
            else
                mv "$stage" "$path"
            fi
            """

    /// Arguments: source, whether directories are meant ('yes'), then `key=size` of parts that are here. Says what it
    /// is: `directory`, followed by an archive; or `file`, key, size, mode, time and where it begins, followed by the
    /// file from there.
    static let send =
        prelude + """
            path=$(home "$1") recursive=$2
            shift 2
            if [ -d "$path" ]; then
                if [ "$recursive" != yes ]; then invalid "is a directory: $path (use -r)"; fi
                    echo directory
                exec tar -c -f - -C "$path" .
            fi
            if [ ! -e "$path" ]; then missing "no such file: $path"; fi
            if [ ! -f "$path" ]; then echo stream; exec cat "$path"; fi
            if [ ! -r "$path" ]; then invalid "cannot be read: $path"; fi
            # Of what the kernel makes up, as in /proc, the size is not known.
            if [ ! -s "$path" ] && [ "$(head -c 1 "$path" | wc -c)" -gt 0 ]; then echo stream; exec cat "$path"; fi
            set -- "$(stat -L -c '%s-%Y' "$path")" "$(stat -L -c %s "$path")" "$(stat -L -c '%a %Y' "$path")" "$@"
            key=$1 size=$2 rest=$3 start=0
            shift 3
            for part; do
                if [ "${part%=*}" = "$key" ] && [ "${part#*=}" -le "$size" ]; then start=${part#*=}; fi
            done
            echo "file $key $size $rest $start"
            if [ "$start" -eq 0 ]; then exec cat "$path"; fi
            exec tail -c "+$((start + 1))" "$path"
            """
}
