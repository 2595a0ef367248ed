/// Parts of the API that are described and that this server has no routes for, by where their paths begin.
///
/// The document has an operation as soon as the server has its route, whether it is named here or not.
enum AwaitedRoutes {
    static let prefixes: [String] = []

    static func contains(_ operation: String) -> Bool {
        let path = operation.split(separator: " ").last ?? ""
        return prefixes.contains { path.hasPrefix($0) }
    }
}
