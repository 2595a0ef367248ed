import Glibc

/// Consistent Overhead Byte Stuffing (Cheshire and Baker, 1997): bytes without a zero among them, at a cost of one
/// byte in 254, so that zero can delimit frames and a reader can start anywhere in a stream.
public enum COBS {
    public static func encodedLimit(_ count: Int) -> Int { count + count / 254 + 1 }

    /// Appends the encoding of `bytes`, without a delimiter.
    public static func encode(_ bytes: UnsafeRawBufferPointer, into output: inout [UInt8]) {
        guard let base = bytes.baseAddress else {
            output.append(1)
            return
        }
        var position = 0
        while true {
            let span = min(254, bytes.count - position)
            let zero = span > 0 ? memchr(base + position, 0, span) : nil
            let run = zero.map { UnsafeRawPointer($0) - (base + position) } ?? span
            output.append(UInt8(run + 1))
            output.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[position..<position + run]))
            position += run
            if zero != nil {
                position += 1
            } else if position == bytes.count {
                return
            }
        }
    }

    public static func decode(_ block: UnsafeRawBufferPointer) throws(ProtocolError) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(block.count)
        var position = 0
        while position < block.count {
            let code = Int(block[position])
            guard code != 0, position + code <= block.count else { throw .badEncoding }
            let run = UnsafeRawBufferPointer(rebasing: block[position + 1..<position + code])
            if let base = run.baseAddress, memchr(base, 0, run.count) != nil { throw .badEncoding }
            output.append(contentsOf: run)
            position += code
            if code != 255, position < block.count { output.append(0) }
        }
        return output
    }
}
