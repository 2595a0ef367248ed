import GuestProtocol
import TestSupport
import Testing

@Suite struct FrameTests {
    private func encoded(_ frame: Frame) -> [UInt8] {
        var bytes: [UInt8] = []
        frame.encode(into: &bytes)
        return bytes
    }

    @Test(arguments: [0, 1, 237, 238, 239, 240, 253, 254, 255, 508, 4096, ProtocolLimits.payloadInBytes])
    func aFrameOfAnyLengthSurvives(count: Int) {
        var generator = SeededGenerator(seed: UInt64(count))
        for payload in [
            generator.bytes(count), [UInt8](repeating: 0, count: count), [UInt8](repeating: 7, count: count),
        ] {
            let frame = Frame(.data, flags: .end, session: 0xFFFF_0001, channel: 9, payload: payload)
            let bytes = encoded(frame)
            #expect(bytes.dropLast().allSatisfy { $0 != 0 } && bytes.last == 0)
            #expect(bytes.count - 1 <= COBS.encodedLimit(Frame.headerInBytes + count + Frame.checksumInBytes))
            var decoder = FrameDecoder()
            #expect(decoder.decode(bytes) == [frame])
        }
    }

    @Test func theChecksumIsCastagnoli() {
        // RFC 3720, appendix B.4.
        let zeros = [UInt8](repeating: 0, count: 32)
        #expect(zeros.withUnsafeBytes { CRC32C.checksum($0) } == 0x8A91_36AA)
        let ascending = (0..<32).map { UInt8($0) }
        #expect(ascending.withUnsafeBytes { CRC32C.checksum($0) } == 0x46DD_794E)
        #expect(Array("123456789".utf8).withUnsafeBytes { CRC32C.checksum($0) } == 0xE306_9283)
    }

    @Test func aStreamCutAtAnyByteLosesOneFrameOnly() {
        let first = Frame(.output, session: 1, channel: 1, payload: Array("first, with a zero \0 inside".utf8))
        let second = Frame(.reply, session: 1, channel: 2, payload: [1, 0, 2])
        let bytes = encoded(first)
        for length in 0..<bytes.count - 1 {
            var decoder = FrameDecoder()
            #expect(decoder.decode(Array(bytes[..<length])).isEmpty)
            #expect(decoder.decode([Frame.delimiter] + encoded(second)) == [second])
        }
    }

    @Test func anUncheckedFrameThatIsCutIsNoticed() {
        var generator = SeededGenerator(seed: 8)
        let frame = Frame(.data, flags: [.unchecked, .end], session: 7, channel: 9, payload: generator.bytes(700))
        let next = Frame(.reply, session: 7, channel: 10)
        let bytes = encoded(frame)
        var whole = FrameDecoder()
        #expect(whole.decode(bytes) == [frame])
        for length in 0..<bytes.count - 1 {
            var decoder = FrameDecoder()
            #expect(decoder.decode(Array(bytes[..<length]) + [Frame.delimiter] + encoded(next)) == [next])
        }
    }

    @Test func bytesOneByOneAreTheSameAsAtOnce() {
        let frames = (0..<20).map {
            Frame(.data, session: 3, channel: $0, payload: [UInt8(truncatingIfNeeded: $0), 0])
        }
        var decoder = FrameDecoder()
        var found: [Frame] = []
        for byte in frames.flatMap({ encoded($0) }) { found += decoder.decode([byte]) }
        #expect(found == frames)
        #expect(decoder.droppedBlocks == 0)
    }

    @Test func theLongestFrameSurvivesHoweverItIsCut() {
        var generator = SeededGenerator(seed: 3)
        for payload in [generator.bytes(ProtocolLimits.payloadInBytes), .init(repeating: 0, count: 32_768)] {
            let frame = Frame(.data, session: 1, channel: 2, payload: payload)
            let bytes = encoded(frame)
            for size in [253, 254, 255, 4096, bytes.count - 1] {
                var decoder = FrameDecoder()
                var found: [Frame] = []
                for start in stride(from: 0, to: bytes.count, by: size) {
                    found += decoder.decode(Array(bytes[start..<min(start + size, bytes.count)]))
                }
                #expect(found == [frame], "in parts of \(size)")
            }
        }
    }

    @Test func aBlockWithoutEndIsDroppedInBoundedMemory() {
        var decoder = FrameDecoder()
        for _ in 0..<64 { #expect(decoder.decode([UInt8](repeating: 1, count: 16_384)).isEmpty) }
        let frame = Frame(.reply, session: 1, channel: 1)
        #expect(decoder.decode([0] + encoded(frame)) == [frame])
        #expect(decoder.droppedBlocks == 1)
    }

    @Test func everyFlippedBitIsNoticed() {
        let frame = Frame(.exit, session: 77, channel: 5, payload: Array(0..<40))
        let bytes = encoded(frame)
        for index in 0..<bytes.count - 1 {
            for bit in 0..<8 {
                var damaged = bytes
                damaged[index] ^= 1 << UInt8(bit)
                var decoder = FrameDecoder()
                #expect(decoder.decode(damaged).isEmpty)
            }
        }
    }

    @Test func noiseNeverBecomesAFrameNorStopsTheNext() {
        var generator = SeededGenerator(seed: 42)
        let frame = Frame(.reply, session: 5, channel: 6, payload: [1, 2, 3])
        let good = encoded(frame)
        for _ in 0..<20_000 {
            var decoder = FrameDecoder()
            let noise = generator.bytes(Int.random(in: 0...80, using: &generator))
            #expect(decoder.decode(noise + [0] + good) == [frame])
        }
    }

    @Test func mutatedFramesAreDroppedOrEqual() {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<20_000 {
            let payload = generator.bytes(Int.random(in: 0...60, using: &generator))
            var bytes = encoded(Frame(.data, session: 9, channel: 1, payload: payload))
            let index = Int.random(in: 0..<bytes.count - 1, using: &generator)
            let original = bytes[index]
            bytes[index] = UInt8.random(in: .min ... .max, using: &generator)
            var decoder = FrameDecoder()
            let frames = decoder.decode(bytes)
            #expect(bytes[index] == original ? frames.count == 1 : frames.isEmpty)
        }
    }
}
