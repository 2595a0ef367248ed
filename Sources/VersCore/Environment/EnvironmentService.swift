public import VersAPI

/// The environment variables of organisations: what every VM is told when it gets its identity. Values are secrets:
/// no log and no error names one.
public final class EnvironmentService: Sendable {
    private let domain: Domain

    public init(domain: Domain) { self.domain = domain }

    public func variables(for principal: Principal) async throws -> EnvironmentResponse {
        EnvironmentResponse(vars: try await domain.names.variables(of: principal.organisationID))
    }

    /// Adds variables and replaces those of the same name; with `replace`, the others go.
    /// - Returns: every variable there is now.
    public func set(_ request: EnvironmentRequest, for principal: Principal) async throws -> EnvironmentResponse {
        for (key, value) in request.vars { try Self.check(key, value) }
        let vars = try await domain.names.changeVariables(of: principal.organisationID) { present in
            present = request.replace == true ? request.vars : present.merging(request.vars) { $1 }
            try Self.checkTotal(present)
        }
        return EnvironmentResponse(vars: vars)
    }

    /// - Throws: `.notFound` when there is no such variable.
    public func delete(_ key: String, for principal: Principal) async throws {
        try await domain.names.changeVariables(of: principal.organisationID) { present in
            guard present.removeValue(forKey: key) != nil else {
                throw VersError(
                    .notFound,
                    "Environment variable not found: '\(key.prefix(80))'",
                    hint: "list variables with: vers env list"
                )
            }
        }
    }

    /// - Throws: `.invalidArgument` for variables that no VM could be given, naming a key and never a value.
    static func check(_ variables: [String: String]) throws {
        for (key, value) in variables { try check(key, value) }
        try checkTotal(variables)
    }

    private static func check(_ key: String, _ value: String) throws {
        try EnvironmentLimit.check(key: key)
        let length = value.unicodeScalars.count
        guard length <= EnvironmentLimit.valueLength else {
            throw VersError(
                .invalidArgument,
                "the value of '\(key)' has \(length) characters: expected at most \(EnvironmentLimit.valueLength)"
            )
        }
        guard !value.utf8.contains(0) else {
            throw VersError(.invalidArgument, "the value of '\(key)' contains a NUL byte: no program can receive it")
        }
    }

    private static func checkTotal(_ variables: [String: String]) throws {
        guard variables.count <= EnvironmentLimit.variables else {
            throw VersError(
                .invalidArgument,
                "\(variables.count) variables are too many: expected at most \(EnvironmentLimit.variables)"
            )
        }
        let bytes = variables.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        guard bytes <= EnvironmentLimit.totalBytes else {
            throw VersError(
                .invalidArgument,
                "the variables have \(bytes) bytes in all: expected at most \(EnvironmentLimit.totalBytes)"
            )
        }
    }
}
