internal import Foundation

/// One line that QEMU sent (docs/interop/qmp-spec.txt in QEMU's sources).
enum QMPMessage: Sendable, Hashable {
    /// - Parameter queuesCommands: whether it can take further commands while it executes one (capability `oob`).
    case greeting(version: QEMUVersion, queuesCommands: Bool)
    /// The whole line; its `return` member is decoded by who knows the type.
    case success(id: UInt64, line: [UInt8])
    case failure(id: UInt64?, errorClass: String, message: String)
    case event(QMPEvent)

    /// - Throws: ``QMPError/malformed(_:)``.
    init(line: [UInt8]) throws(QMPError) {
        let envelope: Envelope
        do {
            envelope = try JSONDecoder().decode(Envelope.self, from: Data(line))
        } catch {
            throw .malformed("not a JSON object of a known shape (\(line.count) bytes)")
        }
        if let greeting = envelope.greeting {
            let capabilities = greeting.capabilities ?? []
            self = .greeting(version: greeting.version.qemu, queuesCommands: capabilities.contains("oob"))
        } else if let name = envelope.event {
            self = .event(QMPEvent(name: name, data: envelope.data ?? .null, timestamp: envelope.timestamp))
        } else if let error = envelope.error {
            self = .failure(id: envelope.id, errorClass: error.errorClass, message: error.desc)
        } else if envelope.hasReturn, let id = envelope.id {
            self = .success(id: id, line: line)
        } else {
            throw .malformed("neither greeting, event, error nor answer")
        }
    }
}

/// QEMU's version as its greeting gives it.
public struct QEMUVersion: Sendable, Hashable, Decodable {
    public var major: Int
    public var minor: Int
    public var micro: Int
}

/// Something that happened in QEMU.
public struct QMPEvent: Sendable, Hashable {
    public var name: String
    public var data: JSONValue
    public var timestamp: Timestamp?

    /// The host's wall clock.
    public struct Timestamp: Sendable, Hashable, Decodable {
        public var seconds: Int64
        public var microseconds: Int64
    }

    public init(name: String, data: JSONValue, timestamp: Timestamp? = nil) {
        self.name = name
        self.data = data
        self.timestamp = timestamp
    }
}

private struct Envelope: Decodable {
    struct Greeting: Decodable {
        struct Version: Decodable {
            var qemu: QEMUVersion
        }
        var version: Version
        var capabilities: [String]?
    }

    struct Failure: Decodable {
        var errorClass: String
        var desc: String

        enum CodingKeys: String, CodingKey {
            case errorClass = "class"
            case desc
        }
    }

    var greeting: Greeting?
    var event: String?
    var data: JSONValue?
    var timestamp: QMPEvent.Timestamp?
    var error: Failure?
    var id: UInt64?
    var hasReturn: Bool

    enum CodingKeys: String, CodingKey {
        case greeting = "QMP"
        case event
        case data
        case timestamp
        case error
        case id
        case returned = "return"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        greeting = try container.decodeIfPresent(Greeting.self, forKey: .greeting)
        event = try container.decodeIfPresent(String.self, forKey: .event)
        data = event == nil ? nil : try container.decodeIfPresent(JSONValue.self, forKey: .data)
        timestamp = try container.decodeIfPresent(QMPEvent.Timestamp.self, forKey: .timestamp)
        error = try container.decodeIfPresent(Failure.self, forKey: .error)
        id = try container.decodeIfPresent(UInt64.self, forKey: .id)
        hasReturn = container.contains(.returned)
    }
}
