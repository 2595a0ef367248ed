import Glibc
import GuestAgent

func complain(_ message: String) {
    let line = Array("vers-agent: \(message)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
}

// systemd spares a process whose name starts with '@' when it ends all others at shutdown (ROOT_STORAGE_DAEMONS).
if getpid() == 1 {
    CommandLine.unsafeArgv[0]?.pointee = CChar(UInt8(ascii: "@"))
    Boot.run()
}
guard CommandLine.arguments.count == 3, CommandLine.arguments[1] == "--socket" else {
    complain("expected --socket PATH; in a VM it is the initramfs' /init and takes no arguments")
    exit(2)
}
do {
    try Agent(socket: CommandLine.arguments[2]).serve()
} catch {
    complain("\(error)")
    exit(1)
}
