import Foundation
import HostSystem
import SystemPackage

/// Looks for what an instance may have left behind, without asking the instance.
enum Leftovers {
    struct ProcessInfo: Hashable, CustomStringConvertible {
        var pid: Int32
        var directory: String
        var command: String
        var description: String { "\(pid) in \(directory): \(command.prefix(60))" }
    }

    /// Processes whose working directory lies below `root`.
    static func processes(below root: FilePath) -> [ProcessInfo] {
        ((try? ProcessTable.processes()) ?? []).compactMap { pid in
            guard let directory = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd"),
                directory.hasPrefix("\(root)/")
            else { return nil }
            let command = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
            let text = String(decoding: command, as: UTF8.self).replacingOccurrences(of: "\0", with: " ")
            // The copy that a freeze forks off is gone within moments, and a zombie is nobody's memory.
            return text.isEmpty ? nil : ProcessInfo(pid: pid, directory: directory, command: text)
        }
    }

    static func names(in directory: FilePath) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? []).sorted()
    }
}

extension Instance {
    /// The monitor process of a VM.
    func hypervisorPID(of machine: String) throws -> Int32 {
        let directory = home.appending("vms").appending(machine).string
        let all = Leftovers.processes(below: home).filter { $0.directory == directory }
        // A frozen copy is the child of the process that it was forked from.
        let found = all.filter { process in !all.contains { $0.pid == ProcessTable.parent(of: process.pid) } }
        guard let process = found.first, found.count == 1 else {
            throw TestFailure("vm \(machine) has \(found.count) processes: \(found)")
        }
        return process.pid
    }

    /// The ids of VMs that have a process.
    func machinesWithProcess() -> Set<String> {
        Set(
            Leftovers.processes(below: home.appending("vms")).compactMap {
                FilePath($0.directory).lastComponent?.string
            }
        )
    }
}
