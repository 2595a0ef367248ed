extension VersClient {
    /// Opens connections into VMs with this client's key, through the server's front door.
    public func tunnels(through door: TunnelDoor) throws -> TunnelDialer {
        try TunnelDialer(door: door, apiKey: transport.apiKey)
    }
}
