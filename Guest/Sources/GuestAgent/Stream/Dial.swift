import CGuest
import Glibc
import GuestProtocol

/// Opens a connection to the first of several addresses that accepts it.
final class Dial {
    /// For one address while there are others.
    private static let patience: UInt64 = 5_000
    /// For all of it.
    private static let limit: UInt64 = 20_000
    private static let ownAddresses = 32

    private let host: String
    private let port: UInt16
    private let loop: EventLoop
    private var candidates = Deque<cguest_address>()
    private var descriptor: Int32 = -1
    private var attemptTimer: EventLoop.TimerID?
    private var limitTimer: EventLoop.TimerID?
    private var lookup: NameLookup?
    /// Of the addresses that were tried, the one that says most.
    private var error: Int32 = 0
    private var completion: ((Result<Int32, Failure>) -> Void)?

    init(host: String, port: UInt16, loop: EventLoop) {
        self.host = host
        self.port = port
        self.loop = loop
    }

    /// Calls `completion` once, with a socket that is the caller's from then on, perhaps before it returns.
    func start(_ completion: @escaping (Result<Int32, Failure>) -> Void) throws(Failure) {
        self.completion = completion
        limitTimer = loop.schedule(afterMilliseconds: Self.limit) { [unowned self] in
            finish(.failure(failure(for: ETIMEDOUT)))
        }
        var address = cguest_address()
        if host.isEmpty {
            tryAddresses(Self.addressesOfThisMachine())
        } else if cguest_parse_address(host, &address) {
            tryAddresses([address])
        } else {
            let lookup = NameLookup(host, loop: loop)
            self.lookup = lookup
            lookup.start { [unowned self] result in
                switch result {
                case .success(let addresses): tryAddresses(addresses)
                case .failure(let failure): finish(.failure(failure))
                }
            }
        }
    }

    /// Ends without calling `completion`.
    func cancel() {
        completion = nil
        finish(.failure(failure(for: ECANCELED)))
    }

    private static func addressesOfThisMachine() -> [cguest_address] {
        var list = [cguest_address](repeating: cguest_address(), count: ownAddresses)
        let count = cguest_own_addresses(&list, list.count)
        return ["127.0.0.1", "::1"].map { text in
            var address = cguest_address()
            _ = cguest_parse_address(text, &address)
            return address
        } + list[..<count]
    }

    private func tryAddresses(_ addresses: [cguest_address]) {
        for address in addresses { candidates.append(address) }
        tryNext()
    }

    private func tryNext() {
        while var address = candidates.popFirst() {
            let socket = cguest_connect(&address, port)
            guard socket >= 0 else {
                note(-socket)
                continue
            }
            do throws(SystemError) {
                try loop.add(socket, EventLoop.writable) { [unowned self] _ in settle() }
            } catch {
                close(socket)
                return finish(.failure(Failure(.resourceExhausted, error.description)))
            }
            descriptor = socket
            if !candidates.isEmpty {
                attemptTimer = loop.schedule(afterMilliseconds: Self.patience) { [unowned self] in
                    attemptTimer = nil
                    abandonAttempt(because: ETIMEDOUT)
                }
            }
            return
        }
        finish(.failure(failure(for: error)))
    }

    private func settle() {
        var number = cguest_socket_error(descriptor)
        if number == 0, cguest_is_connected_to_itself(descriptor) { number = ECONNREFUSED }
        guard number == 0 else { return abandonAttempt(because: number) }
        let socket = descriptor
        loop.remove(socket)
        descriptor = -1
        finish(.success(socket))
    }

    private func abandonAttempt(because number: Int32) {
        closeSocket()
        note(number)
        tryNext()
    }

    private func closeSocket() {
        loop.cancel(attemptTimer)
        attemptTimer = nil
        guard descriptor >= 0 else { return }
        loop.remove(descriptor)
        close(descriptor)
        descriptor = -1
    }

    private func finish(_ result: Result<Int32, Failure>) {
        loop.cancel(limitTimer)
        lookup?.cancel()
        closeSocket()
        candidates = Deque()
        let completion = completion
        self.completion = nil
        completion?(result)
    }

    /// A machine without IPv6 refuses to try ::1, which is no news when 127.0.0.1 has refused.
    private func note(_ number: Int32) {
        let saysLittle: Set<Int32> = [EADDRNOTAVAIL, EAFNOSUPPORT, ENETUNREACH]
        if error == 0 || saysLittle.contains(error) || number == ETIMEDOUT { error = number }
    }

    private func failure(for number: Int32) -> Failure {
        let place = host.isEmpty ? "port \(port) of the guest" : "port \(port) of '\(host)'"
        switch number {
        case ECONNREFUSED: return Failure(.unavailable, "nothing listens on \(place)")
        case ETIMEDOUT: return Failure(.timedOut, "\(place) does not answer")
        case EMFILE, ENFILE, ENOMEM, ENOBUFS: return Failure(.resourceExhausted, reason(number, place))
        default: return Failure(.unavailable, reason(number, place))
        }
    }

    private func reason(_ number: Int32, _ place: String) -> String {
        "\(place) cannot be reached: \(SystemError("", number).reason)"
    }
}
