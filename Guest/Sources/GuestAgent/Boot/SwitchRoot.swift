import Glibc

/// Makes the image's filesystem the root, and frees the memory of the initramfs.
enum SwitchRoot {
    /// - Parameter kept: a folder of the initramfs that stays for those who have it open.
    static func run(to newRoot: String, keeping kept: String) throws(SystemError) {
        for name in ["proc", "sys", "dev"] {
            let target = "\(newRoot)/\(name)"
            mkdir(target, 0o755)
            guard mount("/\(name)", target, nil, UInt(MS_MOVE), nil) == 0 else {
                throw SystemError("move /\(name) to \(target)")
            }
        }
        removeContent(of: "/", except: [newRoot, kept])
        guard chdir(newRoot) == 0 else { throw SystemError("enter \(newRoot)") }
        guard mount(".", "/", nil, UInt(MS_MOVE), nil) == 0 else { throw SystemError("move \(newRoot) to /") }
        guard chroot(".") == 0, chdir("/") == 0 else { throw SystemError("change the root") }
    }

    /// The running program stays in memory until it ends. Other filesystems are not entered.
    private static func removeContent(of directory: String, except kept: Set<String>) {
        var root = stat()
        guard stat("/", &root) == 0 else { return }
        for name in DirectoryListing.names(in: directory) {
            let path = directory == "/" ? "/\(name)" : "\(directory)/\(name)"
            var status = stat()
            guard !kept.contains(path), lstat(path, &status) == 0, status.st_dev == root.st_dev else { continue }
            if status.st_mode & S_IFMT == S_IFDIR {
                removeContent(of: path, except: kept)
                rmdir(path)
            } else {
                unlink(path)
            }
        }
    }
}
