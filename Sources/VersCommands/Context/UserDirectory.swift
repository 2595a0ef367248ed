import Foundation
internal import SystemPackage
import VersAPI

/// Directories of the user.
enum UserDirectory {
    /// Makes `path` and what is missing above it; one that is there stays as it is.
    /// - Parameters:
    ///   - mode: of directories that are made; nil leaves it to the user's mask.
    ///   - code: of the error when that cannot be done, which names the directory and the reason.
    static func make(
        _ path: FilePath,
        mode: FilePermissions? = nil,
        code: ErrorCode = .internal,
        hint: String? = nil
    ) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: path.string,
                withIntermediateDirectories: true,
                attributes: mode.map { [.posixPermissions: Int($0.rawValue)] }
            )
        } catch {
            throw VersError(code, "cannot make directory \(path): \(reason(of: error))", hint: hint, cause: error)
        }
    }

    /// The kernel's reason: Foundation's own texts hide it.
    private static func reason(of error: any Error) -> String {
        guard let posix = (error as? CocoaError)?.underlying as? POSIXError else { return error.localizedDescription }
        return Errno(rawValue: posix.code.rawValue).description
    }
}
