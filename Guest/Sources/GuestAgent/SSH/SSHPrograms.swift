import Glibc

/// The SSH server that the initramfs brings.
///
/// The folder is kept open across the change of root: it has no name any more, so that nothing in an image can cover or
/// change it, and its programs are started through the descriptor.
enum SSHPrograms {
    /// Where the initramfs has them. ``SwitchRoot`` lets them live.
    static let directory = "/ssh"

    /// - Returns: a descriptor of the folder, or -1 in an initramfs without it.
    static func open() -> Int32 {
        Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }

    /// The path at which other processes of root find the folder.
    static func path(of descriptor: Int32) -> String { "/proc/\(getpid())/fd/\(descriptor)" }

    /// The arguments that run one of the programs with the libraries beside it and none of the image's.
    static func command(_ name: String, in folder: String) -> [String] {
        ["\(folder)/ld.so", "--inhibit-cache", "--library-path", folder, "\(folder)/\(name)"]
    }
}
