import VersAPI

extension TopicDescription {
    private static let errorFields: [String: Schema] = [
        "error": Schema.string.about("What is wrong, and what was expected. For people."),
        "success": .choice(of: false),
        "code": Schema.string.about("For programs. A newer server may send others."),
    ]
    private static let hint = Schema.string.about("What to do next.")

    /// Schemas that every document has.
    static let commonSchemas: [String: Schema] = [
        "Error": .object(errorFields, optional: ["hint": hint]),
        "Empty": Schema.object([:]).about("An object without fields."),
        "NewVM": .object(["vm_id": .uuid]),
        "NewVMs": .object(["vms": .array(of: .named("NewVM"))]),
        "Labels": labels,
    ]

    /// An error in the shape of ``NewMachinesResponse``.
    static let branchError = Schema.object(
        errorFields,
        optional: [
            "hint": hint, "vms": Schema.array(of: .named("NewVM")).about("Empty. Absent when the key is refused."),
        ]
    )

    /// An error in the shape that clients of `verify-key` expect.
    static let notVerified = Schema.object(
        errorFields.merging([
            "verified": .choice(of: false), "is_active": .choice(of: false), "reason": .string,
        ]) { own, _ in own },
        optional: ["hint": hint]
    )

    static let labels = Schema.map(of: .string(length: 0...256))
        .about("At most 64; a name is up to 64 letters, digits, '.', '_' or '-'.")

    static let description = Schema.string(length: 0...1024)
}
