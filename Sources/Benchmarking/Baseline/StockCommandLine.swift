import SystemPackage
import VersCore

/// The arguments of a QEMU with the same devices as a VM of ours and ordinary memory.
struct StockCommandLine: Sendable {
    static let executable: FilePath = "/usr/bin/qemu-system-x86_64"
    static let diskNode = "disk0"

    var image: BaseImage
    var memoryMiB: Int
    /// `kvm` or `tcg`.
    var accelerator: String
    /// A qcow2 file in the working directory.
    var disk: String
    /// Whether it waits for a migration in place of booting.
    var waits: Bool
    /// Ports of the guest, and those of the host's loopback that lead there.
    var forwarded: [UInt16: UInt16] = [:]

    /// Descriptor 3 is the monitor's listening socket, 4 that of the guest's agent.
    var arguments: [String] {
        machine + kernel + devices + (waits ? ["-incoming", "defer", "-S"] : [])
    }

    private var machine: [String] {
        [
            "-name", "guest=stock", "-nodefaults", "-no-user-config", "-display", "none",
            "-machine", "pc-q35-7.2,hpet=off,smm=off,sata=off,smbus=off,vmport=off",
            "-accel", accelerator == "kvm" ? "kvm" : "tcg,thread=multi",
            "-cpu", accelerator == "kvm" ? "host" : "max,-erms",
            "-smp", "1", "-m", "\(memoryMiB)M",
            "-global", "migration.x-events=on",
            "-chardev", "socket,id=monitor,fd=3,server=on,wait=off",
            "-mon", "chardev=monitor,mode=control",
        ]
    }

    private var forwarding: String {
        forwarded.map { ",hostfwd=tcp:127.0.0.1:\($0.value)-:\($0.key)" }.joined()
    }

    private var kernel: [String] {
        [
            "-kernel", image.kernel.string,
            "-initrd", image.initramfs.string,
            // As a VM's of ours, so that guests are equal.
            "-append",
            "console=ttyS0 panic=-1 root=/dev/vda rw random.trust_cpu=on net.ifnames=0 no_timer_check quiet"
                + (accelerator == "kvm" ? "" : " norandmaps"),
        ]
    }

    private var devices: [String] {
        [
            "-blockdev",
            "driver=qcow2,node-name=\(Self.diskNode),discard=unmap,"
                + "file.driver=file,file.filename=\(disk),file.discard=unmap",
            "-device", "virtio-blk-pci,addr=0x6,drive=\(Self.diskNode)",
            "-chardev", "socket,id=agent,fd=4,server=on,wait=off",
            "-device", "virtio-serial-pci,id=serial0,addr=0x3,max_ports=2",
            "-device", "virtserialport,bus=serial0.0,nr=1,chardev=agent,name=vers.agent",
            "-chardev", "file,id=console,path=console.log,append=on", "-serial", "chardev:console",
            "-device", "pvpanic-pci,addr=0x2",
            "-object", "rng-builtin,id=rng0", "-device", "virtio-rng-pci,addr=0x4,rng=rng0",
            "-netdev", "user,id=net0" + forwarding, "-device", "virtio-net-pci,addr=0x5,netdev=net0,romfile=",
        ]
    }
}
