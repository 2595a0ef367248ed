/// A command of the QEMU Machine Protocol: its properties are the arguments.
public protocol QMPCommand: Encodable, Sendable {
    associatedtype Response: Decodable & Sendable = QMPEmpty

    /// As in QEMU's QMP reference, `blockdev-add` for example.
    static var name: String { get }
}

/// `{}`: what a command returns that has nothing to say. Accepts any value.
public struct QMPEmpty: Codable, Sendable, Hashable {
    public init() {}
    public init(from decoder: any Decoder) throws {}
}
