import ArgumentParser
import Foundation
import VersAPI
import VersClient

/// `vers copy`: files and directories into a VM and out of it.
struct Copy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Copy files and directories between this machine and a VM.",
        discussion: """
            Which side is the VM's is said by '<vm>:<path>'. Without that, of two paths the absolute one is the VM's; \
            when both or none are, what exists here is sent, and what does not is fetched. A destination that is a \
            directory is copied into, as by cp; a source that ends in '/.' means what is in it. Relative paths in a \
            VM begin at root's home. '-' is stdin or stdout.

            Modes, times and links are kept; of files that come out of a VM, set-user-id bits are not. A file gets its \
            name when it is complete, and a copy that was interrupted goes on where it was when it is repeated.

            EXAMPLES
              vers copy app.py /root/app.py
              vers copy web:/var/log/nginx/error.log .
              vers copy -r ./site web:/srv
              vers copy -r web:/srv/site/. ./backup
              pg_dump app | vers copy - web:/tmp/app.sql
            """,
        aliases: ["cp"]
    )

    @Flag(name: .shortAndLong, help: "Copy directories with everything in them.")
    var recursive = false
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Give up after so many seconds; 0 means never.", valueName: "seconds")
    )
    var timeout: UInt64 = 0
    @Flag(name: .shortAndLong, help: "Show no progress.")
    var quiet = false
    @OptionGroup var common: CommonOptions
    @Argument(
        help: ArgumentHelp("The VM (HEAD when absent), source and destination.", valueName: "[vm] source destination")
    )
    var words: [String] = []

    func run() async throws {
        let context = common.context
        var request = try CopyRequest(words) { FileManager.default.fileExists(atPath: context.localPath($0)) }
        request.local = request.usesStandardStream ? request.local : context.localPath(request.local)
        try await context.withSession { [request] session in
            let id = try await session.resolver.machine(request.machine)
            try await MachineWaker(session: session).wake(id)
            try await Interruption.ending {
                try await untilTimeout {
                    let job = CopyJob(session: session, machine: id, isRecursive: recursive, isQuiet: quiet)
                    try await job.run(request)
                }
            }
        }
    }

    private func untilTimeout(_ body: @Sendable @escaping () async throws -> Void) async throws {
        guard timeout > 0 else { return try await body() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await body() }
            group.addTask { [timeout] in
                try await Task.sleep(for: .seconds(timeout))
                throw VersError(
                    .timedOut,
                    "the copy took longer than \(timeout) s",
                    hint: "repeat it to go on, or use -t 0"
                )
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}

extension CommandContext {
    /// An absolute path for a local one, with `~` as the user's home.
    func localPath(_ path: String) -> String {
        if path == "~" { return home }
        if path.hasPrefix("~/") { return home + path.dropFirst() }
        return path.hasPrefix("/") ? path : "\(workingDirectory)/\(path)"
    }
}

/// One copy, taken up again when the connection is lost and the part that has arrived can be kept.
struct CopyJob {
    let session: Session
    let machine: MachineID
    let isRecursive: Bool
    let isQuiet: Bool

    func run(_ request: CopyRequest) async throws {
        var delays = Reconnection.delays[...]
        while true {
            do {
                if delays.count < Reconnection.delays.count { try await wake() }
                return try await attempt(request)
            } catch let error as ToolboxScript.ConnectionLost {
                guard !request.usesStandardStream, let delay = delays.popFirst() else {
                    throw VersError(
                        .unavailable,
                        "the connection to VM '\(session.name(of: machine))' was lost: \(error.cause.message)",
                        hint: request.usesStandardStream ? nil : "repeat the copy to go on"
                    )
                }
                session.context.note("Connection lost; going on in \(delay.components.seconds) s")
                try await Task.sleep(for: delay)
            }
        }
    }

    private func wake() async throws {
        try await ToolboxScript.ConnectionLost.translate { try await MachineWaker(session: session).wake(machine) }
    }

    private func attempt(_ request: CopyRequest) async throws {
        let script = ToolboxScript(session: session, machine: machine)
        let progress = CopyProgress(context: session.context, isQuiet: isQuiet)
        try await progress.showing {
            switch request.direction {
            case .upload:
                try await Upload(script: script, progress: progress, isRecursive: isRecursive).run(request)
            case .download:
                try await Download(script: script, progress: progress, isRecursive: isRecursive).run(request)
            }
        }
    }
}
