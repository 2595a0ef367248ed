import Foundation

/// The form of one line of an exec stream. A chunk carries the fields of both generations of the public API:
/// `type` and `cursor`, and those of a ``LogEntry``.
extension ExecEvent: Codable {
    private enum CodingKeys: String, CodingKey {
        case type
        case stream
        case data_b64
        case cursor
        case exec_id
        case timestamp
        case exit_code
        case code
        case message
    }

    private enum Kind: String, Codable {
        case chunk
        case exit
        case error
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        switch try container.decode(Kind.self, forKey: .type) {
        case .chunk:
            guard let data = Data(base64Encoded: try container.decode(String.self, forKey: .data_b64)) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .data_b64,
                    in: container,
                    debugDescription: "expected base64"
                )
            }
            self = .chunk(
                stream: try container.decode(OutputStream.self, forKey: .stream),
                data: Array(data),
                cursor: try container.decode(UInt64.self, forKey: .cursor),
                execID: try container.decode(ExecID.self, forKey: .exec_id),
                timestamp: try container.decodeIfPresent(String.self, forKey: .timestamp) ?? ""
            )
        case .exit:
            self = .exit(
                code: try container.decode(Int32.self, forKey: .exit_code),
                cursor: try container.decode(UInt64.self, forKey: .cursor),
                execID: try container.decode(ExecID.self, forKey: .exec_id)
            )
        case .error:
            self = .error(
                code: try container.decode(ErrorCode.self, forKey: .code),
                message: try container.decode(String.self, forKey: .message)
            )
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .chunk(let stream, let data, let cursor, let execID, let timestamp):
            try container.encode(Kind.chunk, forKey: .type)
            try container.encode(stream, forKey: .stream)
            try container.encode(Data(data).base64EncodedString(), forKey: .data_b64)
            try container.encode(cursor, forKey: .cursor)
            try container.encode(execID, forKey: .exec_id)
            try container.encode(timestamp, forKey: .timestamp)
        case .exit(let code, let cursor, let execID):
            try container.encode(Kind.exit, forKey: .type)
            try container.encode(code, forKey: .exit_code)
            try container.encode(cursor, forKey: .cursor)
            try container.encode(execID, forKey: .exec_id)
        case .error(let code, let message):
            try container.encode(Kind.error, forKey: .type)
            try container.encode(code, forKey: .code)
            try container.encode(message, forKey: .message)
        }
    }
}
