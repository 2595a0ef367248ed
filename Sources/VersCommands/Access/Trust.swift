import ArgumentParser
import Foundation
internal import SystemPackage
import VersAPI
import VersClient

/// `vers trust`: the instance's certificate authority.
struct Trust: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make this machine trust the certificates of the instance, or print its authority.",
        discussion: """
            The front door's certificates come from an authority that the instance made at its first start. As root, \
            this adds it to the system's store, which curl, git and most programs use; browsers may have stores of \
            their own and take the printed certificate.

            EXAMPLES
              vers trust --print > vers-ca.pem
              curl --cacert vers-ca.pem https://...
              sudo vers trust
              sudo vers trust --remove
            """
    )

    @Flag(help: "Print the certificate in PEM form, and change nothing.")
    var print = false
    @Flag(help: "Remove it from the system's store.")
    var remove = false
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard !(print && remove) else { throw ValidationError("--print and --remove exclude each other") }
    }

    func run() async throws {
        let context = common.context
        let door = try await context.withSession { try await $0.client.frontDoor() }
        guard let certificate = door.ca_certificate else {
            throw VersError(
                .unavailable,
                "the instance has no certificate authority: \(door.problem ?? "the front door is switched off")",
                hint: "look at it with: vers doctor"
            )
        }
        if print {
            context.output.write(certificate)
            return
        }
        let store = TrustStore.system
        if remove {
            let count = try await Blocking.run { try store.remove(certificate) }
            context.print(count > 0 ? "\u{2713} Authority removed" : "The authority was not in the store")
        } else {
            let path = try await Blocking.run { try store.add(certificate) }
            context.print("\u{2713} Authority trusted (\(path))")
        }
    }
}
