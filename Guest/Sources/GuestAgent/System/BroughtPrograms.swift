import Glibc

/// What the initramfs brings for images that may have none of it: an SSH server, and a toolbox.
///
/// The folder is kept open across the change of root: it has no name any more, so that nothing in an image can cover or
/// change it, and its programs are started through the descriptor.
enum BroughtPrograms {
    /// Where the initramfs has them. ``SwitchRoot`` lets them live.
    static let directory = "/programs"

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

    /// The toolbox, a static busybox whose shell runs its own tools before any of the image.
    /// - Returns: nil when there is none.
    static func toolbox(in descriptor: Int32) -> String? {
        let program = "\(path(of: descriptor))/busybox"
        return descriptor >= 0 && access(program, X_OK) == 0 ? program : nil
    }
}
