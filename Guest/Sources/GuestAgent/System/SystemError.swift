import Glibc

/// A system call that failed.
struct SystemError: Error, CustomStringConvertible {
    let operation: String
    let number: Int32

    init(_ operation: String, _ number: Int32 = errno) {
        self.operation = operation
        self.number = number
    }

    var reason: String { String(cString: strerror(number)) }

    var description: String { "\(operation): \(reason)" }

    /// Takes a result in the convention of the C shim: negative is an error's number.
    @discardableResult
    static func check(_ operation: String, _ result: Int32) throws(SystemError) -> Int32 {
        guard result >= 0 else { throw SystemError(operation, -result) }
        return result
    }
}
