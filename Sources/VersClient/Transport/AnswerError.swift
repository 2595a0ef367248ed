import Foundation
import VersAPI

/// Reads the error in an answer: ours, or whatever a proxy or another server sends.
enum AnswerError {
    private struct Body: Decodable {
        var error: String?
        var code: ErrorCode?
        var hint: String?
    }

    static func read(status: Int, body: Data) -> VersError {
        let code = ErrorCode(httpStatus: status)
        // A body that is not JSON is shown as it is.
        guard let parsed = try? JSONCoding.decode(Body.self, from: body), let message = parsed.error else {
            let text = String(decoding: body.prefix(512), as: UTF8.self)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            return VersError(code, "the server answered status \(status)\(text.isEmpty ? "" : ": \(text)")")
        }
        return VersError(parsed.code ?? code, message, hint: parsed.hint)
    }
}
