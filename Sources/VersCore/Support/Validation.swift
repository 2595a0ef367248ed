import VersAPI

/// The limits of what a caller may ask for. One place, so that every surface refuses the same.
enum Validation {
    static let labelCount = 64
    static let labelValueLength = 256
    static let descriptionLength = 1024

    static func isName(_ text: String) -> Bool { ResourceName.isValid(text) }

    static func name(_ text: String, of what: String) throws {
        guard isName(text) else {
            throw VersError(
                .invalidArgument,
                "invalid \(what) '\(text.prefix(80))': expected \(ResourceName.expectation)"
            )
        }
    }

    static func description(_ text: String) throws {
        guard text.utf8.count <= descriptionLength else {
            throw VersError(
                .invalidArgument,
                "description of \(text.utf8.count) bytes is too long: expected at most \(descriptionLength)"
            )
        }
    }

    static func labels(_ labels: [String: String]) throws {
        guard labels.count <= labelCount else {
            throw VersError(.invalidArgument, "\(labels.count) labels are too many: expected at most \(labelCount)")
        }
        for (key, value) in labels {
            try name(key, of: "label name")
            guard value.utf8.count <= labelValueLength else {
                throw VersError(
                    .invalidArgument,
                    "value of label '\(key)' has \(value.utf8.count) bytes: expected at most \(labelValueLength)"
                )
            }
        }
    }

    /// What other VMs find a VM under is a DNS label.
    static func networkName(in labels: [String: String]) throws {
        guard let name = labels[MachineNetwork.nameLabel], !DNSName.isLabel(name) else { return }
        throw VersError(
            .invalidArgument,
            "invalid value '\(name.prefix(80))' of label '\(MachineNetwork.nameLabel)': expected 1 to 63 letters, digits "
                + "or dashes, which is the VM's name in its private network"
        )
    }

    /// Nil: nothing is said.
    static func idleTimeout(_ seconds: Int?) throws {
        guard let seconds else { return }
        try value(seconds, of: "idle_timeout_secs", in: DomainConfiguration.idleTimeoutSecondsRange)
    }

    static func value(_ value: Int, of what: String, in range: ClosedRange<Int>) throws {
        guard range.contains(value) else {
            throw VersError(
                .invalidArgument,
                "invalid \(what) \(value): expected \(range.lowerBound) to \(range.upperBound)"
            )
        }
    }
}
