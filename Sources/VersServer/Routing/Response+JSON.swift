import Foundation
import Hummingbird
import NIOCore
import VersAPI

extension Response {
    static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
        let data = try JSONCoding.encode(value)
        return Response(
            status: status,
            headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: data))
        )
    }

    /// `{}`: what the public API's "200 empty" becomes, because some clients insist on JSON.
    static var emptyObject: Response {
        Response(
            status: .ok,
            headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: "{}"))
        )
    }

    static var noContent: Response { Response(status: .noContent) }
}

extension ByteBuffer {
    /// One line of `application/x-ndjson`.
    init(lineOf value: some Encodable) throws {
        self.init(bytes: try JSONCoding.encode(value))
        writeInteger(UInt8(ascii: "\n"))
    }
}
