/// An Ethernet frame that a guest makes by hand.
struct Frame {
    static let guestMAC: [UInt8] = [0x52, 0x54, 0x00, 0x76, 0x65, 0x72]
    static let gatewayMAC: [UInt8] = [0x52, 0x55, 0x0A, 0x00, 0x02, 0x02]
    static let broadcastMAC = [UInt8](repeating: 0xFF, count: 6)
    static let guestAddress = "10.0.2.15"

    var bytes: [UInt8]

    init(to target: [UInt8] = gatewayMAC, from source: [UInt8] = guestMAC, type: UInt16, _ payload: [UInt8]) {
        bytes = target + source + Self.split(type) + payload
    }

    /// A UDP datagram that says `text`.
    static func udp(
        _ text: String,
        from source: String = guestAddress,
        to target: String,
        ports: (UInt16, UInt16) = (40_000, 9),
        mac: [UInt8] = guestMAC,
        gateway: [UInt8] = gatewayMAC
    ) -> Frame {
        let datagram = split(ports.0) + split(ports.1) + split(UInt16(8 + text.utf8.count)) + [0, 0] + text.utf8
        return ipv4(17, from: source, to: target, datagram, mac: mac, gateway: gateway)
    }

    /// A `ping` that says `text`.
    static func echoRequest(_ text: String, from source: String, to target: String) -> Frame {
        var message: [UInt8] = [8, 0, 0, 0, 0, 1, 0, 1] + text.utf8
        message.replaceSubrange(2..<4, with: split(checksum(message)))
        return ipv4(1, from: source, to: target, message, mac: guestMAC, gateway: gatewayMAC)
    }

    /// Tells everybody that `address` is at the guest's card.
    static func gratuitousARP(_ text: String, of address: String) -> Frame {
        let head: [UInt8] = [0, 1, 8, 0, 6, 4, 0, 2]
        let claim = guestMAC + octets(address) + broadcastMAC + octets(address)
        return Frame(to: broadcastMAC, type: 0x0806, head + claim + text.utf8)
    }

    /// Offers to be every neighbour's router.
    static func routerAdvertisement(_ text: String) -> Frame {
        let allNodes: [UInt8] = [0xFF, 0x02] + [UInt8](repeating: 0, count: 13) + [1]
        let source: [UInt8] = [0xFE, 0x80] + [UInt8](repeating: 0, count: 13) + [2]
        let message: [UInt8] = [134, 0, 0, 0, 64, 0, 7, 8] + [UInt8](repeating: 0, count: 8) + text.utf8
        let head: [UInt8] = [0x60, 0, 0, 0] + split(UInt16(message.count)) + [58, 255]
        return Frame(to: [0x33, 0x33, 0, 0, 0, 1], type: 0x86DD, head + source + allNodes + message)
    }

    var hexadecimal: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func ipv4(
        _ transport: UInt8,
        from source: String,
        to target: String,
        _ payload: [UInt8],
        mac: [UInt8],
        gateway: [UInt8]
    ) -> Frame {
        var head: [UInt8] = [0x45, 0] + split(UInt16(20 + payload.count)) + [0, 1, 0, 0, 64, transport, 0, 0]
        head += octets(source) + octets(target)
        head.replaceSubrange(10..<12, with: split(checksum(head)))
        return Frame(to: gateway, from: mac, type: 0x0800, head + payload)
    }

    private static func checksum(_ bytes: [UInt8]) -> UInt16 {
        var sum: UInt32 = 0
        for index in stride(from: 0, to: bytes.count, by: 2) {
            sum += UInt32(bytes[index]) << 8 | (index + 1 < bytes.count ? UInt32(bytes[index + 1]) : 0)
        }
        while sum > 0xFFFF { sum = (sum & 0xFFFF) + sum >> 16 }
        return ~UInt16(sum)
    }

    private static func octets(_ address: String) -> [UInt8] { address.split(separator: ".").compactMap { UInt8($0) } }

    private static func split(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xFF)] }
}
