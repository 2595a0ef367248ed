import ArgumentParser
import VersAPI
import VersClient

/// `vers image`.
struct Image: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List, import and delete the images that VMs start from.",
        discussion: """
            An image is made from a container image: an archive ('docker save', an OCI layout as a tar, a root file \
            system), or a name in a registry. One that has an init boots it; any other runs its own command, whose \
            output 'vers logs' shows.

            EXAMPLES
              vers image import app.tar --name app
              vers image import debian:bookworm-slim
              vers run --rootfs app
              vers image list
              vers image delete app
            """,
        subcommands: [ImageList.self, ImageImport.self, ImageStatusCommand.self, ImageDelete.self]
    )
}

extension VersClient {
    /// Every image that this organisation may use, page by page.
    func allImages() async throws -> [BaseImageInfo] {
        var result: [BaseImageInfo] = []
        while true {
            let page = try await images(limit: BaseImagePage.maximumLimit, offset: result.count)
            result += page.images
            if page.images.isEmpty || result.count >= page.total { return result }
        }
    }
}
