import Foundation
import HostSystem
internal import SystemPackage
import VersAPI
import VersClient

/// Whether the instance is there, complete and of our version.
struct InstanceChecks {
    let context: CommandContext
    let home: InstanceHome
    let environment: [String: String]

    func run() async -> [Check] { [executable(), images()] + (await daemon()) }

    private func executable() -> Check {
        do {
            return .ok("versd", try DaemonExecutable.find(environment: environment).string)
        } catch {
            return .fail("versd", "not found beside vers or in PATH", hint: "install it: make install")
        }
    }

    private func images() -> Check {
        let directory = home.path.appending("images").string
        let recipe = ImageRecipes.command(into: home.path.appending("images"))
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).filter {
            access("\(directory)/\($0)/current/manifest.json", R_OK) == 0
        }
        guard !names.isEmpty else {
            return .fail("images", "none in \(directory)", hint: "make it: \(recipe)")
        }
        guard names.contains(MachineConfiguration.defaultImageName) else {
            return .warn(
                "images",
                "\(names.sorted().listed), but not '\(MachineConfiguration.defaultImageName)'",
                hint: "name one with 'vers run --rootfs', or make the default: \(recipe)"
            )
        }
        return .ok("images", names.sorted().listed)
    }

    /// The daemon, and its way into guests when it answers.
    private func daemon() async -> [Check] {
        let name = "daemon"
        do {
            let client: VersClient
            let place: String
            if let url = environment["VERS_URL"], !url.isEmpty {
                place = url
                client = try await InstanceLocator(context).connect()
            } else if let record = try home.runningDaemon() {
                place = "pid \(record.pid), \(record.url)"
                client = try InstanceLocator(context).local(record, home: home, environment: environment)
            } else {
                return [
                    .warn(name, "does not run", hint: "it starts with the first command that needs it, or 'vers up'")
                ]
            }
            return try await VersClient.with(client) { client in
                let version = try await client.version().workspace_version
                _ = try await client.machines()
                guard version == ProductVersion.text else {
                    return [
                        .warn(
                            name,
                            "\(place) has version \(version), vers has \(ProductVersion.text)",
                            hint: "restart it: vers down && vers up"
                        )
                    ]
                }
                return [.ok(name, "\(place), version \(version)"), Self.check(try await client.frontDoor())]
            }
        } catch let error as VersError {
            return [.fail(name, error.message, hint: error.hint ?? "see \(home.log)")]
        } catch {
            return [.fail(name, "\(error)", hint: "see \(home.log)")]
        }
    }

    static func check(_ door: FrontDoorResponse) -> Check {
        let name = "front door"
        guard let port = door.port else {
            return .warn(
                name,
                door.problem ?? "switched off",
                hint: "VMs cannot be reached from outside: see versd --front-door, --tls-cert and --tls-key"
            )
        }
        let ports = ([port] + door.extra_ports).map { "\($0)" }.joined(separator: ", ")
        let place = "\(door.address), port \(ports): https://<vm-id>.vm.\(door.domain)"
        guard let problem = door.problem else { return .ok(name, place) }
        return .warn(name, "\(place); \(problem)", hint: "see versd --front-door-port")
    }
}
