import Foundation
import Logging
import VersAPI

extension Recovery {
    /// Saved memory that no VM sleeps with: of one that had woken, or had not fallen asleep yet, when the daemon ended.
    func retireSleepCommits() async throws {
        let inUse = Set(try await domain.metadata.liveMachines().compactMap(\.sleepCommitID))
        for commit in try await domain.metadata.liveCommits() where commit.kind == .sleep && !inUse.contains(commit.id)
        {
            try await domain.metadata.update(commit.id) { $0.deletedAt = Date() }
        }
    }

    /// Finishes commits that were recorded but not sealed.
    func settleCommits(hostRebooted: Bool) async throws {
        for commit in try await domain.metadata.liveCommits() where !commit.isDurable {
            if hostRebooted {
                domain.logger.warning(
                    "commit was not on stable storage when the host stopped",
                    metadata: ["commit.id": "\(commit.id)"]
                )
                try await domain.metadata.update(commit.id) { $0.deletedAt = Date() }
            } else {
                machines.sealInBackground(commit)
            }
        }
    }

    /// The booted states of builds of an image that another has replaced: no VM starts from them any more. VMs that did
    /// keep their layers.
    func retireBootCommits() async throws {
        for commit in try await domain.metadata.liveCommits() where commit.kind == .boot {
            let build = commit.hardware.imageBuild
            if let id = BaseImageID(build), try await domain.importedImages.importedImage(id) != nil { continue }
            do {
                guard try await domain.images.image(named: commit.hardware.imageName).build != build else { continue }
            } catch let error as VersError where error.code == .notFound {
                // It may be installed again.
                continue
            }
            try await domain.metadata.update(commit.id) { $0.deletedAt = Date() }
            domain.logger.info(
                "boot commit of a replaced image retired",
                metadata: ["commit.id": "\(commit.id)", "image.name": "\(commit.hardware.imageName)"]
            )
        }
    }
}
