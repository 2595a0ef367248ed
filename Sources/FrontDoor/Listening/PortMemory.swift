import Foundation
import HostSystem
import SystemPackage

/// The port that an instance's front door had last, so that it has it again.
struct PortMemory {
    let path: FilePath

    /// Nil when there was none, or it cannot be read.
    func port() -> Int? {
        guard let text = try? HostFile.readText(path, limitInBytes: 16) else { return nil }
        return UInt16(text.trimmingCharacters(in: .whitespacesAndNewlines)).map(Int.init)
    }

    func remember(_ port: Int) throws {
        guard self.port() != port else { return }
        try DurableFile.write(Array("\(port)\n".utf8), to: path)
    }
}
