import VersAPI

extension TopicDescription {
    static let labelling = TopicDescription(
        name: "Labels",
        about: "Texts that VMs carry.",
        operations: [
            .patch("/vm/{vm_id}/label", "upsert_vm_labels", "Add labels, or give them other values.")
                .optionalBody(.object([:], optional: ["labels": .named("Labels")])).answersNothing().fails(.conflict),
            .put("/vm/{vm_id}/labels", "replace_vm_labels", "Give the VM these labels and no others.")
                .body(.object(["labels": .named("Labels")])).answersNothing(),
            .delete("/vm/{vm_id}/label/{label_name}", "delete_vm_label", "Remove a label.").answersNothing(),
        ]
    )
}
