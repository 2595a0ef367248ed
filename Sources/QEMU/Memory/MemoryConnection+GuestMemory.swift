internal import NIOCore
internal import QMP
internal import SystemPackage
internal import VersAPI
internal import VersCore

extension MemoryConnection: GuestMemory {
    func status() async throws -> MemoryStatus {
        let words = try await request("status", expecting: "status")
        guard let status = MemoryStatus(words: words) else {
            throw MemoryLibraryError.unexpectedAnswer(request: "status", words.joined(separator: " "))
        }
        return status
    }

    func mergesLayers() async throws -> Bool {
        let words = try await request("ping", expecting: "pong")
        return words.count >= 2 && Int(words[1]) ?? 0 >= 2
    }

    func leash() async throws { _ = try await request("leash", expecting: "leash") }

    func map(_ layers: [FilePath], timeout: Duration) async throws {
        try await name(layers)
        _ = try await request("map", expecting: "mapped", timeout: timeout)
    }

    func rehearse(_ layers: [FilePath], timeout: Duration) async throws {
        try await name(layers)
        _ = try await request("rehearse", expecting: "rehearsing", timeout: timeout)
    }

    func takeBack(_ layers: [FilePath], timeout: Duration, opening open: (FilePath) async throws -> Void) async throws {
        try await name(layers)
        let file = FilePath("take-back")
        _ = try await request("take-back \(file)", expecting: "take-back")
        let taken = expect("taken-back", of: "take-back", timeout: timeout)
        do {
            try await open(file)
        } catch QMPError.refused {
            // As it must; the library says whether the machine was taken back.
        } catch {
            await close()
            throw error
        }
        _ = try await taken.get()
    }

    func mapAhead(_ layers: [FilePath], timeout: Duration) async throws {
        try await name(layers)
        _ = try await request("map-ahead", expecting: "mapped-ahead", timeout: timeout)
    }

    func rewind(to deviceState: FilePath, timeout: Duration, loading load: () async throws -> Void) async throws {
        _ = try await request("rewind \(deviceState)", expecting: "rewind")
        let rewound = expect("rewound", of: "rewind", timeout: timeout)
        do {
            try await load()
        } catch {
            // What the library refused says more than that QEMU could not open the file.
            await close()
            _ = try await rewound.get()
            throw error
        }
        _ = try await rewound.get()
    }

    /// In one go: a child waits for this, and up to 24 answers one after the other took 4 ms.
    private func name(_ layers: [FilePath]) async throws {
        let answers = layers.map { (layer: $0, answer: send("layer \($0)", expecting: "layer")) }
        for (layer, answer) in answers {
            do {
                _ = try await answer.get()
            } catch MemoryLibraryError.refused(_, let errno, let detail) {
                if errno == .fileTooLarge { throw VersError.unfitLayer(layer) }
                throw MemoryLibraryError.refused(request: "layer '\(layer)'", errno, detail: detail)
            }
        }
    }

    /// Has the memory freeze itself when QEMU begins to save its devices: QEMU takes in nothing from the agent's socket
    /// between the two, so that virtio queues and their rings in memory are those of one moment. Has it write the layer
    /// until then.
    func arm(_ request: FreezeRequest, timeout: Duration) async throws -> MemoryAheadReport? {
        _ = try await self.request("at \(request.deviceState)", expecting: "at")
        do {
            _ = try await self.request("ahead \(request.memoryLayer)", expecting: "ahead")
        } catch MemoryLibraryError.refused(_, let errno, _) where errno == .notSupported || errno == .invalidArgument {
            // A kernel before Linux 6.7, or a library before version 3: a copy writes all of it.
        }
        let freeze =
            switch request.delta {
            case .since(let mark): "freeze since \(mark)"
            case .sinceStart: "freeze since-start"
            case .sinceFirstLayer: "freeze since-first"
            case .everything: "freeze everything"
            }
        let words = try await self.request(freeze, expecting: "armed", timeout: timeout)
        guard words.count >= 4, let pages = UInt64(words[1]), let passes = Int(words[2]), let time = Int64(words[3])
        else { return nil }
        return MemoryAheadReport(bytes: pages * 4096, passes: passes, duration: .microseconds(time))
    }

    func freeze(
        _ request: FreezeRequest,
        timeout: Duration,
        saving save: (FilePath) async throws -> Void
    ) async throws -> Duration {
        let frozen = expect("frozen", of: "freeze", timeout: timeout)
        try await save(request.deviceState)
        let words = try await frozen.get()
        return .microseconds(words.count >= 3 ? Int64(words[2]) ?? 0 : 0)
    }

    func copy(to layer: FilePath, timeout: Duration) async throws -> MemoryLayerReport {
        let words = try await request("copy \(layer)", expecting: "copied", timeout: timeout)
        guard words.count >= 4, let pages = UInt64(words[1]), let extents = Int(words[2]), let time = Int64(words[3])
        else { throw MemoryLibraryError.unexpectedAnswer(request: "copy", words.joined(separator: " ")) }
        return MemoryLayerReport(bytes: pages * 4096, extents: extents, duration: .microseconds(time))
    }

    func keep(_ mark: CommitID, timeout: Duration) async throws {
        _ = try await request("keep \(mark)", expecting: "kept", timeout: timeout)
    }
}

extension VersError {
    static func unfitLayer(_ layer: FilePath) -> VersError {
        VersError(.incompatible, "the memory layer '\(layer)' is not of the size of the machine's memory")
    }
}
