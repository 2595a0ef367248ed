/// `manifest.json` of an image: what `images/build.sh` writes, and what an import does.
struct ImageManifest: Codable {
    static let fileName = "manifest.json"
    static let currentFormat = 1

    var format: Int
    var name: String
    var build_id: String
    var kernel: String
    var initramfs: String
    var disk: String
    var disk_size_mib: Int
    /// Absent in images that know no such thing.
    var has_workload: Bool?
    var created_at: String?
    var description: String?
    /// Of an imported image, for whoever looks.
    var init_path: String?
    var command: [String]?
    var exposed_ports: [String]?
}
