/// A first-in, first-out queue over an array.
struct Deque<Element> {
    private var storage: [Element?] = []
    private var head = 0

    var count: Int { storage.count - head }
    var isEmpty: Bool { count == 0 }
    var first: Element? { isEmpty ? nil : storage[head] }

    subscript(index: Int) -> Element {
        guard let element = storage[head + index] else { preconditionFailure("index \(index) is out of range") }
        return element
    }

    /// Up to so many of the first elements.
    func prefix(_ count: Int) -> [Element] { storage[head...].prefix(count).compactMap(\.self) }

    var last: Element? { isEmpty ? nil : storage[storage.count - 1] }

    mutating func append(_ element: Element) {
        storage.append(element)
    }

    /// Puts an element before the first.
    mutating func putBack(_ element: Element) {
        if head > 0 {
            head -= 1
            storage[head] = element
        } else {
            storage.insert(element, at: 0)
        }
    }

    @discardableResult
    mutating func popFirst() -> Element? {
        guard head < storage.count else { return nil }
        let element = storage[head]
        storage[head] = nil
        head += 1
        if head > 32, head * 2 > storage.count {
            storage.removeFirst(head)
            head = 0
        }
        return element
    }
}
