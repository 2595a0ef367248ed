import VersAPI
import VersCore

/// Whether an image boots an init of its own, and which.
enum InitChoice {
    /// Where the agent looks, too.
    private static let candidates = ["/sbin/init", "/usr/sbin/init", "/lib/systemd/systemd", "/etc/init", "/init"]
    private static let systemd = [
        "/lib/systemd/systemd", "/usr/lib/systemd/systemd", "/bin/systemd", "/usr/bin/systemd",
    ]

    /// The path of the init; nil when the agent is to run the image's command.
    ///
    /// busybox brings an `init` into every image that it is in, which is meant only where there is something for it to
    /// start: an `/etc/init.d/rcS`, or no command at all.
    static func path(in tree: FileTree, _ configuration: ImageConfiguration) -> String? {
        if let first = configuration.arguments.first, (candidates + systemd).contains(first), isProgram(first, tree) {
            return first
        }
        let mayBeBusybox = configuration.arguments.isEmpty || tree.node(at: "/etc/init.d/rcS") != nil
        return candidates.first { isProgram($0, tree) && (mayBeBusybox || !isBusybox($0, tree)) }
    }

    private static func isProgram(_ path: String, _ tree: FileTree) -> Bool {
        guard let node = tree.node(at: path), case .file = node.content else { return false }
        return node.attributes.mode & 0o111 != 0
    }

    private static func isBusybox(_ path: String, _ tree: FileTree) -> Bool {
        guard let node = tree.node(at: path) else { return false }
        return ["/bin/busybox", "/usr/bin/busybox", "/bin/busybox.static"].contains { tree.node(at: $0) === node }
    }
}
