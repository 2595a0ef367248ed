import VersAPI

/// A name that a client asks for.
enum DoorName: Equatable {
    /// `<vm-id>.vm.<domain>`, or `<port>-<vm-id>.vm.<domain>`.
    case machine(MachineID, port: UInt16?)
    /// Below `vm.<domain>`, but of no VM.
    case unknown
    /// Whatever else: a name that may be bound to a VM.
    case other(String)

    private static let idLength = 36

    /// - Parameter name: in lower case.
    init(_ name: String, domain: String) {
        let suffix = ".vm.\(domain.lowercased())"
        guard name.hasSuffix(suffix) else {
            self = .other(name)
            return
        }
        self = Self.machine(labelled: name.dropLast(suffix.count)) ?? .unknown
    }

    private static func machine(labelled label: Substring) -> DoorName? {
        guard label.utf8.count >= idLength, let id = MachineID(String(label.suffix(idLength))) else { return nil }
        let front = label.dropLast(idLength)
        if front.isEmpty { return .machine(id, port: nil) }
        guard front.last == "-" else { return nil }
        let digits = front.dropLast()
        guard let first = digits.utf8.first, first != UInt8(ascii: "0"), digits.utf8.allSatisfy(isDigit),
            let port = UInt16(digits)
        else { return nil }
        return .machine(id, port: port)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
