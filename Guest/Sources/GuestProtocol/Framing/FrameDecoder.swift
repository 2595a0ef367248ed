import Glibc

/// Finds frames in a byte stream that may start, or go on, anywhere. What is malformed is dropped up to the next
/// delimiter and counted. Memory is bounded by one encoded frame.
public struct FrameDecoder: Sendable {
    private var pending: [UInt8] = []
    private var skipping = false
    /// Blocks that were not frames, since the beginning.
    public private(set) var droppedBlocks: UInt64 = 0

    public init() {}

    public mutating func decode(_ bytes: UnsafeRawBufferPointer, each: (Frame) -> Void) {
        var rest = bytes
        while let base = rest.baseAddress, !rest.isEmpty {
            guard let found = memchr(base, Int32(Frame.delimiter), rest.count) else {
                keep(rest)
                return
            }
            let length = UnsafeRawPointer(found) - base
            finish(UnsafeRawBufferPointer(rebasing: rest[..<length]), each: each)
            rest = UnsafeRawBufferPointer(rebasing: rest[(length + 1)...])
        }
    }

    public mutating func decode(_ bytes: [UInt8]) -> [Frame] {
        var frames: [Frame] = []
        bytes.withUnsafeBytes { decode($0) { frames.append($0) } }
        return frames
    }

    private mutating func keep(_ part: UnsafeRawBufferPointer) {
        guard !skipping else { return }
        if pending.count + part.count > Frame.encodedLimit {
            pending.removeAll(keepingCapacity: true)
            skipping = true
        } else {
            pending.append(contentsOf: part)
        }
    }

    private mutating func finish(_ tail: UnsafeRawBufferPointer, each: (Frame) -> Void) {
        keep(tail)
        defer {
            pending.removeAll(keepingCapacity: true)
            skipping = false
        }
        if skipping {
            droppedBlocks += 1
            return
        }
        if pending.isEmpty { return }
        guard let frame = try? pending.withUnsafeBytes({ try Frame(delimited: $0) }) else {
            droppedBlocks += 1
            return
        }
        each(frame)
    }
}
