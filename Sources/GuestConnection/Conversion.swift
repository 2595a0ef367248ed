import GuestProtocol
import VersAPI

extension VersError {
    /// A failure that the guest reported. Its text is the guest's: control characters could drive a terminal.
    init(_ failure: Failure) {
        let text = String(String.UnicodeScalarView(failure.message.unicodeScalars.map { $0.isControl ? "?" : $0 }))
        let code: ErrorCode =
            switch failure.code {
            case .invalidArgument: .invalidArgument
            case .notFound: .notFound
            case .tooLarge: .payloadTooLarge
            case .unsupported: .unsupported
            case .resourceExhausted: .resourceExhausted
            case .conflict: .conflict
            case .alreadyExists: .alreadyExists
            case .unavailable: .unavailable
            case .timedOut: .timedOut
            case .internal, .badRequest: .internal
            }
        self.init(code, text)
    }

    static func connectionLost() -> VersError {
        VersError(.unavailable, "the connection to the guest's agent is gone")
    }

    static func protocolViolation(_ error: any Error) -> VersError {
        VersError(.internal, "the guest's agent broke the protocol", cause: error)
    }
}

extension Unicode.Scalar {
    fileprivate var isControl: Bool { value < 0x20 || (0x7F...0x9F).contains(value) }
}

extension ExecID {
    var wire: WireID { WireID(text) ?? WireID(high: 0, low: 0) }
}

extension OutputStream {
    init(_ stream: RecordStream) {
        self = stream == .stdout ? .stdout : .stderr
    }

    var wire: RecordStream { self == .stdout ? .stdout : .stderr }
}

/// RFC 3339 in UTC with microseconds, from nanoseconds since 1970.
func timestampText(nanoseconds: UInt64) -> String {
    let seconds = nanoseconds / 1_000_000_000
    let days = Int(seconds / 86_400)
    // Howard Hinnant, "chrono-compatible low-level date algorithms": the year begins in March, eras of 400 years.
    let shifted = days + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    let second = Int(seconds % 86_400)
    let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    let time = "\(padded(second / 3600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2))"
    return "\(date)T\(time).\(padded(Int(nanoseconds % 1_000_000_000 / 1000), 6))Z"
}

private func padded(_ value: Int, _ width: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, width - text.count)) + text
}
