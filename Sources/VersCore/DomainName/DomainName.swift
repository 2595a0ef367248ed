public import Foundation
public import VersAPI

/// A DNS name that is bound to a VM. One name belongs to one VM of one organisation.
public struct DomainName: Sendable, Equatable, Identifiable {
    public let id: DomainID
    public let organisationID: OrganisationID
    /// In the form of ``HostName``.
    public let name: String
    public let machineID: MachineID
    public let createdAt: Date

    public init(
        id: DomainID = DomainID(),
        organisationID: OrganisationID,
        name: String,
        machineID: MachineID,
        createdAt: Date
    ) {
        self.id = id
        self.organisationID = organisationID
        self.name = name
        self.machineID = machineID
        self.createdAt = createdAt
    }

    var info: DomainNameInfo {
        DomainNameInfo(domain_id: id, domain: name, vm_id: machineID, created_at: createdAt)
    }
}

/// The form in which DNS names are kept and compared.
public enum HostName {
    static let maximumLength = 253
    static let maximumLabelLength = 63

    /// In lower case and without the dot at its end; nil unless it is a fully qualified name of letters, digits and
    /// hyphens (an international name in its `xn--` form), and no address.
    public static func canonical(_ text: String) -> String? {
        var name = text.lowercased()
        if name.hasSuffix(".") { name.removeLast() }
        guard name.utf8.count <= maximumLength else { return nil }
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        guard labels.count >= 2, labels.allSatisfy(isLabel), let last = labels.last else { return nil }
        // The last label of an IPv4 address, in any spelling, starts with a digit; no top-level domain does.
        guard let first = last.utf8.first, !isDigit(first) else { return nil }
        return name
    }

    private static func isLabel(_ label: Substring) -> Bool {
        let bytes = label.utf8
        return (1...maximumLabelLength).contains(bytes.count) && bytes.first != hyphen && bytes.last != hyphen
            && bytes.allSatisfy { isDigit($0) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || $0 == hyphen }
    }

    private static let hyphen = UInt8(ascii: "-")

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
