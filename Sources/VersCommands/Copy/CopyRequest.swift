import Foundation
import VersAPI

/// What the words of `vers copy` mean.
struct CopyRequest: Equatable {
    enum Direction: Equatable {
        case upload
        case download
    }

    /// stdin or stdout in place of a local path.
    static let standardStream = "-"

    var direction: Direction
    /// Nil means HEAD.
    var machine: String?
    var local: String
    var remote: String

    var usesStandardStream: Bool { local == Self.standardStream }

    /// - Parameters:
    ///   - words: `[vm] source destination`, where a side may be spelled `vm:path`.
    ///   - exists: whether there is something at a local path.
    /// - Throws: `.invalidArgument` that says what is wrong.
    init(_ words: [String], exists: (String) -> Bool) throws {
        guard words.count == 2 || words.count == 3, !words.contains("") else { throw Self.usage }
        if words.count == 3 {
            machine = words[0]
            (direction, local, remote) = Self.sides(words[1], words[2], exists: exists)
            return
        }
        switch (Self.prefixed(words[0]), Self.prefixed(words[1])) {
        case (nil, nil): (direction, local, remote) = Self.sides(words[0], words[1], exists: exists)
        case (let source?, nil):
            (direction, machine, local, remote) = (.download, source.machine, words[1], source.path)
        case (nil, let target?):
            (direction, machine, local, remote) = (.upload, target.machine, words[0], target.path)
        case (_?, _?):
            throw VersError(
                .invalidArgument,
                "'\(words[0])' and '\(words[1])' are both in VMs: one side must be here",
                hint: "copy through a file here, or: vers copy <vm>:<path> - | vers copy - <vm>:<path>"
            )
        }
    }

    /// An absolute path is the VM's when the other is not; otherwise what exists here is sent, and what does not is
    /// fetched.
    private static func sides(
        _ source: String,
        _ target: String,
        exists: (String) -> Bool
    ) -> (Direction, String, String) {
        let isUpload: Bool
        if source == standardStream || target == standardStream {
            isUpload = source == standardStream
        } else if source.hasPrefix("/") != target.hasPrefix("/") {
            isUpload = target.hasPrefix("/")
        } else {
            isUpload = exists(source)
        }
        return isUpload ? (.upload, source, target) : (.download, target, source)
    }

    /// `vm:path`, as `scp` reads it: with the colon before any slash.
    private static func prefixed(_ word: String) -> (machine: String, path: String)? {
        guard let colon = word.firstIndex(of: ":"), colon != word.startIndex, !word[..<colon].contains("/") else {
            return nil
        }
        let path = word[word.index(after: colon)...]
        return (String(word[..<colon]), path.isEmpty ? "." : String(path))
    }

    private static var usage: VersError {
        VersError(
            .invalidArgument,
            "expected a source and a destination",
            hint: "usage: vers copy [vm] <source> <destination>, where either may be <vm>:<path>"
        )
    }
}
