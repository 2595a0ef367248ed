/// What waits for one role.
struct StandbyShelf {
    var ready: [Standby] = []
    var lastUse = ContinuousClock.now
    var isFilling = false
    var isWatched = false
    /// False once a rehearsal has failed.
    var rehearses = true

    /// Takes one that waits and has not rehearsed.
    mutating func takeUnrehearsed() -> Standby? {
        guard rehearses, let index = ready.firstIndex(where: { !$0.waiting.hasRehearsed && $0.waiting.isWaiting })
        else { return nil }
        return ready.remove(at: index)
    }

    /// Takes at most `count` that wait, first those that have rehearsed.
    mutating func take(_ count: Int) -> [Standby] {
        let alive = ready.filter(\.waiting.isWaiting)
        let taken = (alive.filter(\.waiting.hasRehearsed) + alive.filter { !$0.waiting.hasRehearsed }).prefix(count)
        ready.removeAll { standby in taken.contains { $0.id == standby.id } }
        return Array(taken)
    }

    /// Takes those whose process has ended.
    mutating func takeEnded() -> [Standby] {
        let ended = ready.filter { !$0.waiting.isWaiting }
        ready.removeAll { standby in ended.contains { $0.id == standby.id } }
        return ended
    }
}
