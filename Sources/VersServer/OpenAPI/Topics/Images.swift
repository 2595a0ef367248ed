import VersAPI

extension TopicDescription {
    static let images = TopicDescription(
        name: "Images",
        about: "What new VMs start from.",
        operations: [
            .get("/images", "list_images", "List the organisation's images, the newest first, then the installed ones.")
                .paged().answers(200, .named("ImagePage")),
            .post("/images/create", "create_image", "Make an image of a container image in a registry.")
                .body(.named("NewImageRequest")).answers(201, .named("ImageJob"))
                .fails(.alreadyExists, .unsupported, .resourceExhausted),
            .post("/images/upload", "upload_image", "Make an image of an archive.")
                .query("image_name", .name, "the image's name", isRequired: true)
                .query(
                    "size_mib",
                    .integer(512...32_768),
                    "the disk's size; absent: what the content needs, and 256 more"
                )
                .bytes("The archive, as it is.").answers(201, .named("ImageJob"))
                .fails(.alreadyExists, .resourceExhausted, .invalidField, .timedOut),
            .get("/images/{image_name}/status", "get_image_status", "How far an image is.")
                .path("image_name", .string(length: 1...200)).answers(200, .named("ImageState")),
            .delete("/images/images/{base_image_id}", "delete_image", "Delete an image that no VM needs.")
                .answers(200, .object(["base_image_id": .uuid, "deleted": .boolean])).fails(.inUse, .conflict),
        ],
        schemas: [
            "Image": .object(
                [
                    "base_image_id": .uuid, "image_name": .string, "owner_id": .uuid, "is_public": .boolean,
                    "source_type": Schema.string.about("`docker`, `upload` or `builtin`."), "size_mib": .count,
                    "created_at": .timestamp, "status": imageState,
                ],
                optional: ["description": .string]
            ),
            "ImagePage": .object([
                "images": .array(of: .named("Image")), "total": .count, "limit": .count, "offset": .count,
            ]),
            "NewImageRequest": .object(
                ["image_name": .name, "source": .named("ImageSource")],
                optional: [
                    "size_mib": Schema.integer(0...32_768).standard(256).about("MiB of the disk beyond the content."),
                    "description": description,
                ]
            ),
            "ImageSource": .any(of: [
                .object(["type": .choice(["docker"]), "image_ref": .string]),
                .object(["type": .choice(["s3"]), "bucket": .string, "key": .string]),
            ]),
            "ImageJob": .object([
                "job_id": Schema.uuid.about("The image's id, too."), "image_name": .string, "status": imageState,
            ]),
            "ImageState": .object(
                ["image_name": .string, "status": imageState, "size_mib": .count, "base_image_id": .uuid],
                optional: ["error_message": .string, "error_code": .string]
            ),
        ]
    )

    private static let imageState = Schema.string
        .about("`queued`, `fetching`, `unpacking`, `writing`, `ready` or `failed`.")
}
