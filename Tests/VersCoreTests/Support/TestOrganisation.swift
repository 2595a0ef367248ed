import VersAPI

@testable import VersCore

/// An organisation with a key of its owner.
struct TestOrganisation {
    let id: OrganisationID
    /// The key's text.
    let key: String
    let principal: Principal
}

extension TestDomain {
    /// The administrator, as the daemon makes it.
    func administrator() async throws -> (key: String, principal: Principal) {
        let key = try await keys.createAdministratorKey(label: "owner")
        return (key, try await keys.authenticate(key))
    }

    /// A new organisation whose only member, `<name>@example.com`, has `role` and a key.
    func organisation(
        _ name: String,
        role: Role = .owner,
        limits: KeyLimits = KeyLimits()
    ) async throws -> TestOrganisation {
        let administrator = try await administrator().principal
        let made = try await accounts.createOrganisation(.init(name: name), for: administrator)
        let email = "\(name)@example.com"
        _ = try await accounts.setMember(of: made.org_id, .init(email: email, role: role), for: administrator)
        let key = try await accounts.createKey(
            CreateKeyRequest(
                label: name,
                org_id: made.org_id,
                user_email: email,
                max_memory_mib: limits.memoryMiB,
                max_vcpus: limits.vcpuCount,
                max_vms: limits.machines
            ),
            for: administrator
        ).api_key
        return TestOrganisation(id: made.org_id, key: key, principal: try await keys.authenticate(key))
    }

    func create(for principal: Principal, memoryMiB: Int = 128, vcpuCount: Int = 1) async throws -> MachineID {
        let configuration = MachineConfiguration(mem_size_mib: memoryMiB, vcpu_count: vcpuCount)
        return try await machines.create(configuration, waitForBoot: true, for: principal)
    }
}
