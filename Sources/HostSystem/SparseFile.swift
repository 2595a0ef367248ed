internal import Glibc
public import SystemPackage

/// Data and holes of a file. Everything blocks shortly.
public enum SparseFile {
    // From Linux' <linux/fs.h>; Swift's Glibc module does not show them.
    private static let seekData: Int32 = 3
    private static let seekHole: Int32 = 4

    /// The first run of data that ends behind `offset`, cut at `offset`. Nil when only a hole follows.
    public static func nextExtent(_ file: FileDescriptor, from offset: Int64) throws -> Range<Int64>? {
        let start = lseek(file.rawValue, off_t(offset), seekData)
        if start < 0 {
            let error = Errno(rawValue: errno)
            guard error == .noSuchAddressOrDevice else { throw HostError("seek to data", errno: error) }
            return nil
        }
        let end = lseek(file.rawValue, start, seekHole)
        guard end >= 0 else { throw HostError("seek to a hole", errno: Errno(rawValue: errno)) }
        return Int64(start)..<Int64(end)
    }
}
