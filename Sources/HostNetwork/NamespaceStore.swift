internal import CHost
internal import Glibc
internal import HostSystem
internal import SystemPackage
internal import VersCore

/// Named network namespaces, where `ip netns` finds them. Calls block shortly.
struct NamespaceStore: Sendable {
    let names: NetworkNames

    /// - Returns: the TAP device's descriptor, in a VM's namespace.
    func create(_ namespace: NetworkNames.Namespace) throws -> GuestTap? {
        try makeDirectory(NetworkNames.namespaceDirectory)
        let path = names.path(of: namespace)
        var descriptor: Int32 = -1
        let tap: String? = if case .machine = namespace { NetworkNames.tap } else { nil }
        let error = chost_namespace_create(path.string, tap, &descriptor)
        guard error == 0 else { throw HostError("make a network namespace", path, errno: Errno(rawValue: error)) }
        return descriptor < 0 ? nil : GuestTap(descriptor: descriptor) { _ = close($0) }
    }

    func remove(_ namespace: NetworkNames.Namespace) throws {
        let path = names.path(of: namespace)
        let error = chost_namespace_remove(path.string)
        guard error == 0 else { throw HostError("remove a network namespace", path, errno: Errno(rawValue: error)) }
    }

    /// - Returns: an IPv4 datagram socket in the namespace, for the caller to close.
    func datagramSocket(in namespace: NetworkNames.Namespace) throws -> Int32 {
        let path = names.path(of: namespace)
        var descriptor: Int32 = -1
        let error = chost_namespace_datagram_socket(path.string, &descriptor)
        guard error == 0 else { throw HostError("enter a network namespace", path, errno: Errno(rawValue: error)) }
        return descriptor
    }

    /// All of this instance.
    func all() throws -> [NetworkNames.Namespace] {
        guard access(NetworkNames.namespaceDirectory.string, F_OK) == 0 else { return [] }
        return try HostFile.names(in: NetworkNames.namespaceDirectory).compactMap(names.namespace)
    }

    private func makeDirectory(_ path: FilePath) throws {
        if mkdir(path.string, 0o755) == 0 {
            // Others list namespaces, too, whatever the daemon's umask is.
            chmod(path.string, 0o755)
        } else if errno != EEXIST {
            throw HostError("make", path, errno: Errno(rawValue: errno))
        }
    }
}
