import CFraming
import Glibc

/// Finds frames in a byte stream that may start, or go on, anywhere. What is malformed is dropped up to the next
/// delimiter and counted. Memory is bounded by one frame.
public struct FrameDecoder: Sendable {
    /// The present block as far as it has come, decoded. Its bytes are copied twice on their way to a payload, since most
    /// of them are copied by an emulated processor.
    private var block = [UInt8](repeating: 0, count: Frame.decodedLimit)
    private var length = 0
    private var decoder = cframing_decoder()
    private var isEmpty = true
    private var isTooLong = false
    /// Blocks that were not frames, since the beginning.
    public private(set) var droppedBlocks: UInt64 = 0

    public init() {}

    public mutating func decode(_ bytes: UnsafeRawBufferPointer, each: (Frame) -> Void) {
        var rest = bytes
        while let base = rest.baseAddress, !rest.isEmpty {
            guard let found = memchr(base, Int32(Frame.delimiter), rest.count) else {
                take(rest)
                return
            }
            let length = UnsafeRawPointer(found) - base
            take(UnsafeRawBufferPointer(rebasing: rest[..<length]))
            finish(each: each)
            rest = UnsafeRawBufferPointer(rebasing: rest[(length + 1)...])
        }
    }

    public mutating func decode(_ bytes: [UInt8]) -> [Frame] {
        var frames: [Frame] = []
        bytes.withUnsafeBytes { decode($0) { frames.append($0) } }
        return frames
    }

    /// Takes a part of a block, which has no delimiter in it.
    private mutating func take(_ part: UnsafeRawBufferPointer) {
        guard !part.isEmpty else { return }
        isEmpty = false
        guard !isTooLong, length + part.count <= block.count else {
            isTooLong = true
            return
        }
        length += block.withUnsafeMutableBufferPointer { block in
            guard let base = block.baseAddress, let bytes = part.baseAddress else { return 0 }
            return cframing_decode(&decoder, bytes.assumingMemoryBound(to: UInt8.self), part.count, base + length)
        }
    }

    private mutating func finish(each: (Frame) -> Void) {
        defer {
            (length, isEmpty, isTooLong) = (0, true, false)
            decoder = cframing_decoder()
        }
        guard !isEmpty else { return }
        let frame = block.withUnsafeBytes { block in
            isTooLong || decoder.rest > 0
                ? nil : try? Frame(decoded: UnsafeRawBufferPointer(rebasing: block[..<length]))
        }
        guard let frame else {
            droppedBlocks += 1
            return
        }
        each(frame)
    }
}
