internal import Glibc
internal import HostSystem
internal import SystemPackage
internal import VersAPI
internal import VersCore

/// A question for the IPv4 addresses of a name, as RFC 1035 has it.
struct NameQuery: Sendable {
    private static let recursionDesired: UInt16 = 0x0100
    private static let typeA: UInt16 = 1
    private static let classInternet: UInt16 = 1
    private static let headerBytes = 12
    private static let answerBytes = 4096

    let number: UInt16
    let name: String

    /// - Parameter name: labels of 1 to 63 bytes between dots.
    init(number: UInt16, name: String) {
        self.number = number
        self.name = name
    }

    var bytes: [UInt8] {
        var bytes = [number, Self.recursionDesired, 1, 0, 0, 0].flatMap(Self.split)
        for label in name.split(separator: ".") { bytes += [UInt8(label.utf8.count)] + label.utf8 }
        return bytes + [0] + [Self.typeA, Self.classInternet].flatMap(Self.split)
    }

    /// The addresses in an answer, none when there is no such name. Nil when it is the answer to another question.
    func addresses(in answer: [UInt8]) -> [IPv4Address]? {
        var reader = Reader(bytes: answer)
        guard reader.number() == number, let flags = reader.number(), flags & 0x8000 != 0,
            let questions = reader.number(), let answers = reader.number()
        else { return nil }
        reader.offset = Self.headerBytes
        for _ in 0..<questions where !reader.skipName() || !reader.skip(4) { return nil }
        var addresses: [IPv4Address] = []
        for _ in 0..<answers {
            guard reader.skipName(), let type = reader.number(), reader.skip(6), let length = reader.number() else {
                return nil
            }
            if type == Self.typeA, length == 4, let high = reader.number(), let low = reader.number() {
                addresses.append(IPv4Address(number: UInt32(high) << 16 | UInt32(low)))
            } else if !reader.skip(Int(length)) {
                return nil
            }
        }
        return addresses
    }

    /// Gives a datagram socket the server that it talks to.
    static func connect(_ socket: Int32, to server: IPv4Address, port: UInt16) throws {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = server.number.bigEndian
        let result = withUnsafeBytes(of: &address) { bytes in
            Glibc.connect(
                socket,
                bytes.bindMemory(to: sockaddr.self).baseAddress,
                socklen_t(MemoryLayout<sockaddr_in>.size)
            )
        }
        guard result == 0 else { throw HostError("talk to the name server \(server)", errno: Errno(rawValue: errno)) }
    }

    /// Asks again until the answer is as expected. Blocks until `deadline` at most.
    /// - Returns: whether it was.
    func ask(
        over socket: Int32,
        until deadline: ContinuousClock.Instant,
        for expectation: NameExpectation
    ) throws -> Bool {
        while let answer = try ask(over: socket, until: deadline) {
            if answer.contains(expectation.address) == expectation.isPresent { return true }
        }
        return false
    }

    /// Asks over a connected datagram socket. Blocks until `deadline` at most.
    /// - Returns: nil when nobody has answered by then.
    func ask(over socket: Int32, until deadline: ContinuousClock.Instant) throws -> [IPv4Address]? {
        let question = bytes
        guard send(socket, question, question.count, 0) == question.count else {
            throw HostError("ask a name server", errno: Errno(rawValue: errno))
        }
        var answer = [UInt8](repeating: 0, count: Self.answerBytes)
        while true {
            let left = (deadline - .now) / .milliseconds(1)
            var wait = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            guard left >= 1, poll(&wait, 1, Int32(left)) == 1 else { return nil }
            let count = recv(socket, &answer, answer.count, 0)
            guard count >= 0 else { throw HostError("hear a name server", errno: Errno(rawValue: errno)) }
            if let addresses = addresses(in: Array(answer.prefix(count))) { return addresses }
        }
    }

    private static func split(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xFF)] }

    private struct Reader {
        let bytes: [UInt8]
        var offset = 0

        mutating func number() -> UInt16? {
            guard offset + 2 <= bytes.count else { return nil }
            defer { offset += 2 }
            return UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1])
        }

        mutating func skip(_ count: Int) -> Bool {
            offset += count
            return offset <= bytes.count
        }

        /// Labels up to the empty one, or up to a reference to labels elsewhere.
        mutating func skipName() -> Bool {
            while offset < bytes.count {
                let length = Int(bytes[offset])
                if length & 0xC0 == 0xC0 { return skip(2) }
                offset += 1 + length
                if length == 0 { return true }
            }
            return false
        }
    }
}

/// A VM as a hosts file has it.
struct HostsLine: Sendable, Hashable, CustomStringConvertible {
    let address: IPv4Address
    let names: [String]

    init(_ attachment: NetworkAttachment) {
        address = attachment.network.address
        names = attachment.names.map { "\($0).\(MachineNetwork.domain)" }
    }

    var description: String { ([address.description] + names).joined(separator: " ") }

    /// What name servers are to say otherwise. Two VMs may have one name; each is told of by its address.
    static func changes(from known: [MachineID: Self], to wanted: [MachineID: Self]) -> [NameExpectation] {
        let (old, new) = (Set(known.values.flatMap(\.meanings)), Set(wanted.values.flatMap(\.meanings)))
        return new.subtracting(old).map { NameExpectation(name: $0.name, address: $0.address, isPresent: true) }
            + old.subtracting(new).map { NameExpectation(name: $0.name, address: $0.address, isPresent: false) }
    }

    private struct Meaning: Hashable {
        let name: String
        let address: IPv4Address
    }

    private var meanings: [Meaning] { names.map { Meaning(name: $0, address: address) } }
}

/// What a name of a tree is to mean.
struct NameExpectation: Sendable, Hashable {
    let name: String
    let address: IPv4Address
    /// False: it had this address and is to have it no longer.
    let isPresent: Bool
}
