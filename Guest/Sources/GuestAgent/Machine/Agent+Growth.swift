import Glibc
import GuestProtocol

extension Agent {
    /// How long the kernel may take to notice that the host has grown the disk.
    private static let noticeTime: UInt64 = 1000

    /// Grows the root filesystem. The kernel learns of a larger disk by an interrupt that may come behind the
    /// request: when the disk looks unchanged, the next event of a block device is awaited first.
    func growRootFilesystem(_ channel: UInt32) throws(Failure) {
        try machine.checkIsGuest()
        guard RootFilesystem.isExt4("/") else {
            throw Failure(.unsupported, "the root filesystem is not ext4: only ext4 grows while mounted")
        }
        if hasUnusedDisk || machine.ueventDescriptor < 0 {
            finishGrowth(channel)
            return
        }
        growthWaiters.append(channel)
        if growthTimer == nil {
            growthTimer = loop.schedule(afterMilliseconds: Self.noticeTime) { [unowned self] in answerGrowth() }
        }
    }

    private var hasUnusedDisk: Bool {
        guard let sizes = try? RootFilesystem.sizes("/") else { return false }
        return sizes.diskInBytes > lastDiskSize
    }

    func blockDeviceChanged() {
        if !growthWaiters.isEmpty, hasUnusedDisk { answerGrowth() }
    }

    private func answerGrowth() {
        loop.cancel(growthTimer)
        growthTimer = nil
        let waiters = growthWaiters
        growthWaiters.removeAll()
        for channel in waiters { finishGrowth(channel) }
    }

    private func finishGrowth(_ channel: UInt32) {
        do throws(SystemError) {
            try RootFilesystem.grow("/")
            lastDiskSize = try RootFilesystem.sizes("/").diskInBytes
            var writer = ByteWriter()
            writer.write(lastDiskSize / (1024 * 1024))
            reply(channel, writer.bytes)
        } catch {
            send(.failure, channel: channel, Failure(.internal, error.description).encoded())
        }
    }
}
