import ArgumentParser
import VersAPI

/// `vers up`.
struct Up: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start this user's daemon in the background.",
        discussion: """
            Other commands do so by themselves, unless VERS_AUTOSTART is 0 or VERS_URL names another instance. \
            Everything of the instance lives in VERS_HOME: /var/lib/vers for root, ~/.local/share/vers otherwise. \
            Options of the daemon, such as 'domain = vms.example.com', are read from versd.conf there.

            EXAMPLES
              vers up
              VERS_HOME=/srv/vers vers up
            """
    )

    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        let home = InstanceHome(context, environment: try DotEnv.environment(of: context))
        let running = try home.runningDaemon()
        let record: DaemonDescription
        if let running {
            record = running
        } else {
            record = try await DaemonLauncher(context: context, home: home).launch()
        }
        try Rendering(json: record) {
            "versd \(running == nil ? "started" : "runs already"): pid \(record.pid), \(record.url), home \(home.path)"
        }.write(to: context, format: format.format)
    }
}
