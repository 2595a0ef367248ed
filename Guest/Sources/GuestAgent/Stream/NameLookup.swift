import CGuest
import Glibc
import GuestProtocol

/// Finds the addresses of one name: in the guest's hosts file, or from its name servers. The resolver of the C library
/// would block the loop, and a static program has none.
final class NameLookup {
    private static let port: UInt16 = 53
    /// For one answer of one server.
    private static let patience: UInt64 = 2_000
    private static let rounds = 2

    private struct Question {
        let type: DNSMessage.RecordType
        let message: [UInt8]
    }

    private let text: String
    private let loop: EventLoop
    private var completion: ((Result<[cguest_address], Failure>) -> Void)?
    private var names = Deque<HostName>()
    private var servers: [cguest_address] = []
    /// Servers to ask for the present name, some of them again.
    private var attempts = Deque<cguest_address>()
    private var questions: [Question] = []
    private var found: [cguest_address] = []
    private var descriptor: Int32 = -1
    private var timer: EventLoop.TimerID?
    private var hasBeenAnswered = false

    init(_ text: String, loop: EventLoop) {
        self.text = text
        self.loop = loop
    }

    /// Calls `completion` once, perhaps before it returns, with at least one address.
    func start(_ completion: @escaping (Result<[cguest_address], Failure>) -> Void) {
        self.completion = completion
        guard let name = HostName(text) else {
            let shown = String(text.prefix(80))
            return finish(.failure(Failure(.invalidArgument, "invalid host '\(shown)': expected a name or an address")))
        }
        let known = ResolverFiles.addresses(of: name, inHosts: SmallFile.readText(ResolverFiles.hostsPath) ?? "")
        guard known.isEmpty else { return finish(.success(known)) }
        let files = ResolverFiles(SmallFile.readText(ResolverFiles.resolverPath) ?? "")
        servers = files.servers
        for candidate in files.candidates(for: name) { names.append(candidate) }
        askForNextName()
    }

    /// Ends without calling `completion`.
    func cancel() {
        completion = nil
        stopAsking()
    }

    private func finish(_ result: Result<[cguest_address], Failure>) {
        stopAsking()
        let completion = completion
        self.completion = nil
        completion?(result)
    }

    private func stopAsking() {
        loop.cancel(timer)
        timer = nil
        guard descriptor >= 0 else { return }
        loop.remove(descriptor)
        close(descriptor)
        descriptor = -1
    }

    private func askForNextName() {
        guard names.popFirst().map(prepare) != nil else {
            let failure =
                hasBeenAnswered
                ? Failure(.notFound, "no host is called '\(text)', as far as the guest knows")
                : Failure(.timedOut, "the guest's name servers do not answer for '\(text)'")
            return finish(.failure(failure))
        }
        askNextServer()
    }

    private func prepare(_ name: HostName) {
        attempts = Deque()
        for _ in 0..<Self.rounds { for server in servers { attempts.append(server) } }
        found = []
        questions = [DNSMessage.RecordType.ipv4, .ipv6].map { type in
            Question(type: type, message: DNSMessage.query(id: .random(in: 0...UInt16.max), name: name, type: type))
        }
    }

    private func askNextServer() {
        stopAsking()
        while var server = attempts.popFirst() {
            let socket = cguest_open_datagrams(&server, Self.port)
            guard socket >= 0 else { continue }
            descriptor = socket
            for question in questions { send(socket, question.message, question.message.count, 0) }
            timer = loop.schedule(afterMilliseconds: Self.patience) { [unowned self] in
                timer = nil
                settleForLess()
            }
            do throws(SystemError) {
                try loop.add(socket, EventLoop.readable) { [unowned self] _ in receive() }
            } catch {
                return finish(.failure(Failure(.resourceExhausted, error.description)))
            }
            return
        }
        askForNextName()
    }

    /// A server that knows IPv4 but drops questions for IPv6 is met now and then.
    private func settleForLess() {
        if found.isEmpty { askNextServer() } else { finish(.success(found)) }
    }

    private func receive() {
        var buffer = [UInt8](repeating: 0, count: DNSMessage.sizeLimit)
        while descriptor >= 0 {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count >= 0 else {
                if errno == EINTR { continue }
                // Refused by its host: nothing is served there.
                if errno != EAGAIN { settleForLess() }
                return
            }
            take(Array(buffer[..<count]))
        }
    }

    private func take(_ bytes: [UInt8]) {
        for (index, question) in questions.enumerated() {
            guard let answer = DNSMessage.answer(bytes, to: question.message, type: question.type) else { continue }
            switch answer {
            case .failed: return settleForLess()
            case .noSuchName: break
            case .addresses(let addresses):
                // IPv4 first: it is what the monitor's network has.
                found = question.type == .ipv4 ? addresses + found : found + addresses
            }
            hasBeenAnswered = true
            questions.remove(at: index)
            break
        }
        guard questions.isEmpty else { return }
        if found.isEmpty { askForNextName() } else { finish(.success(found)) }
    }
}
