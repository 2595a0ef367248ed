import ArgumentParser
import VersAPI

/// `vers logout`.
struct Logout: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Forget the API key that login saved.",
        discussion: """
            The key stays valid: 'vers key revoke' ends it.

            EXAMPLES
              vers logout
            """
    )

    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        let file = CredentialsFile(context)
        let environment = try DotEnv.environment(of: context)
        let isGiven = InstanceLocator.givenKey(environment) != nil
        guard try file.apiKey() != nil else {
            context.print(
                isGiven ? "No API key is saved; VERS_API_KEY has one: unset it to log out" : "You are not logged in"
            )
            return
        }
        try file.save(apiKey: "")
        context.print("\u{2713} API key removed from \(file.path)")
        if isGiven { context.warn("VERS_API_KEY is still set and goes on to be used") }
    }
}
