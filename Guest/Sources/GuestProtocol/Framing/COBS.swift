import CFraming

/// Consistent Overhead Byte Stuffing: bytes without a zero among them, at a cost of one byte in 254, so that zero can
/// delimit frames and a reader can start anywhere in a stream.
public enum COBS {
    public static func encodedLimit(_ count: Int) -> Int { count + count / 254 + 1 }

    /// Appends the encoding of `parts`, put together, without a delimiter.
    static func encode(_ parts: [UnsafeRawBufferPointer], into output: inout [UInt8]) {
        let limit = encodedLimit(parts.reduce(0) { $0 + $1.count })
        let parts = parts.map { cframing_part(bytes: $0.baseAddress, count: $0.count) }
        let block = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            count = cframing_encode(parts, parts.count, buffer.baseAddress)
        }
        if output.isEmpty { output = block } else { output += block }
    }
}
