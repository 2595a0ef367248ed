/// `PUT /vm/{id}/labels`: the labels that the VM is to have, in place of those it has.
public struct LabelsRequest: Codable, Sendable {
    public var labels: [String: String]

    public init(labels: [String: String]) { self.labels = labels }
}
