import ArgumentParser
import TerminalUI
import VersAPI

/// `vers doctor`: whether this machine can do what it should.
struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check this machine, and say what to do about what is wrong.",
        discussion: """
            Each line is ok, warn or fail. Exits with 1 when something fails. Starts nothing.

            EXAMPLES
              vers doctor
              vers doctor --format json
            """
    )

    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        let environment = try DotEnv.environment(of: context)
        let home = InstanceHome(context, environment: environment)
        let local = await Blocking.run {
            HypervisorChecks(environment: environment).run() + HostChecks(home: home).run()
                + NetworkChecks(environment: environment).run() + ConfinementChecks(home: home).run()
        }
        let checks = local + (await InstanceChecks(context: context, home: home, environment: environment).run())
        try Rendering(json: checks) { Self.text(of: checks, for: context.outputStream) }
            .write(to: context, format: format.format)
        if checks.contains(where: { $0.verdict == .fail }) { throw ExitCode(ErrorCode.internal.exitStatus) }
    }

    static func text(of checks: [Check], for stream: TerminalStream) -> String {
        let width = checks.map(\.name.count).max() ?? 0
        return checks.map { check in
            let verdict = StyledText(check.verdict.rawValue.padded(to: 4), check.verdict.style)
            let line =
                "\(verdict.rendered(colour: stream.showsColour))  \(check.name.padded(to: width))  \(check.finding)"
            guard let hint = check.hint else { return line }
            return line + "\n" + String(repeating: " ", count: width + 8) + "-> \(hint)"
        }.joined(separator: "\n")
    }
}

extension Check.Verdict {
    fileprivate var style: Style {
        switch self {
        case .ok: .green
        case .warn: .yellow
        case .fail: .red
        }
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
