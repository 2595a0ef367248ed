import GuestProtocol
import TestSupport
import Testing

@Suite struct RequestTests {
    static let id = WireID(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)

    static let samples: [Request] = [
        .ping, .waitUntilSettled, .growRootFilesystem, .powerOff, .startWorkload,
        .applyIdentity(
            IdentityRequest(
                machineID: id,
                entropy: Array(0..<64),
                wallClock: 1_700_000_000_123_456_789,
                hostname: "vm-1",
                authorizedKey: "ssh-ed25519 AAAA",
                sshHostKey: "-----BEGIN",
                environment: [EnvironmentVariable(name: "A", value: "b c")],
                dropsConnections: true
            )
        ),
        .spawn(
            SpawnRequest(
                id: id,
                arguments: ["sh", "-c", "echo \u{00FC}"],
                environment: [EnvironmentVariable(name: "X", value: "")],
                directory: "/tmp",
                stdin: [0, 255],
                keepsInputOpen: true,
                terminal: CellSize(columns: 80, rows: 24),
                timeout: 30_000
            )
        ),
        .attach(id, cursor: .max, fromLatest: true),
        .input(id, [1, 2, 3], end: true),
        .resizeTerminal(id, CellSize(columns: 1, rows: 65535)),
        .signal(id, 15),
        .logs(offset: 9, maximumEntries: 10, stream: .stderr),
        .logs(offset: 0, maximumEntries: 0, stream: nil),
        .readFile(path: "/etc/passwd", limit: 10),
        .writeFile(path: "/x", mode: 0o755, createDirectories: true, size: 1 << 40),
        .dial(host: "", port: 80), .dial(host: "db.internal", port: 65_535),
    ]

    @Test(arguments: samples)
    func aRequestSurvives(request: Request) throws {
        #expect(try Request(decoding: request.encoded()) == request)
    }

    @Test(arguments: samples)
    func aRequestCutAnywhereIsRefused(request: Request) {
        let bytes = request.encoded()
        for length in 0..<bytes.count {
            #expect(throws: ProtocolError.self) { try Request(decoding: Array(bytes[..<length])) }
        }
        #expect(throws: ProtocolError.trailingBytes(1)) { try Request(decoding: bytes + [0]) }
    }

    /// Whatever arrives is refused or is a request that encodes to the same bytes.
    @Test func mutatedRequestsAreRefusedOrExact() {
        var generator = SeededGenerator(seed: 11)
        for round in 0..<30_000 {
            var bytes = Self.samples[round % Self.samples.count].encoded()
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(
                    in: .min ... .max,
                    using: &generator
                )
            }
            if let request = try? Request(decoding: bytes) { #expect(request.encoded() == bytes) }
        }
    }

    @Test func giantLengthsAreRefusedBeforeAnythingIsAllocated() {
        for giant in [UInt32.max, 0x8000_0000, 0x0010_0000] {
            var writer = ByteWriter()
            writer.write(UInt8(16))
            writer.write(Self.id)
            writer.write(giant)
            #expect(throws: ProtocolError.self) { try Request(decoding: writer.bytes) }
        }
    }

    @Test func randomAnswersOfAGuestAreRefusedOrRead() {
        var generator = SeededGenerator(seed: 13)
        for _ in 0..<20_000 {
            let bytes = generator.bytes(Int.random(in: 0...64, using: &generator))
            if let page = try? LogPageReply(decoding: bytes) { #expect(page.encoded() == bytes) }
            if let record = try? OutputRecord(decoding: bytes) { #expect(record.encoded() == bytes) }
            if let record = try? ExitRecord(decoding: bytes) { #expect(record.encoded() == bytes) }
            _ = try? Failure(decoding: bytes)
            _ = try? HelloAcknowledgement(decoding: bytes)
        }
    }

    @Test func anIDIsTextAndBack() {
        #expect(Self.id.description == "01234567-89ab-cdef-fedc-ba9876543210")
        #expect(WireID(Self.id.description.uppercased()) == Self.id)
        for text in [
            "", "01234567-89ab-cdef-fedc-ba987654321", "01234567-89ab-cdef-fedc-ba98765432100",
            "g1234567-89ab-cdef-fedc-ba9876543210", "0123456789ab--cdef-fedc-ba9876543210",
        ] {
            #expect(WireID(text) == nil)
        }
    }
}
