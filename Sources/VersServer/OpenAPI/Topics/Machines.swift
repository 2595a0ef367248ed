import VersAPI
import VersCore

extension TopicDescription {
    static let machines = TopicDescription(
        name: "VMs",
        about: "Virtual machines: create, look at, change, delete.",
        operations: [
            .get("/vm", "list_vms", "List the VMs, the oldest first.").answers(200, .array(of: .named("VM"))),
            .get("/vms", "list_all_vms", "List the VMs, the oldest first.").answers(200, .array(of: .named("VM"))),
            .post("/vm/new_root", "create_new_root_vm", "Start a VM from an image.")
                .query("wait_boot", Schema.boolean.standard(false), "answer when the VM has booted")
                .body(.named("NewRootRequest")).answers(201, .named("NewVM")).takesResources().fails(.unsupported),
            .post("/vm/from_commit", "restore_from_commit", "Start a VM from a commit.")
                .body(.named("FromCommitRequest")).answers(201, .named("NewVM")).takesResources().fails(.unsupported),
            .get("/vm/{vm_id}/status", "vm_status", "A VM, as in lists.").answers(200, .named("VM")),
            .get("/vm/{vm_id}/metadata", "get_vm_metadata", "Everything about a VM, also about a deleted one.")
                .answers(200, .named("VMMetadata")),
            .get("/vm/{vm_id}/ssh_key", "ssh_key", "The private key and the port for SSH.")
                .answers(200, .named("SSHKey")).fails(.conflict),
            .patch("/vm/{vm_id}/state", "update_vm_state", "Pause, put to sleep, stop, or let run.")
                .usesGuest().takesResources().body(.named("StateRequest")).answersNothing(),
            .patch("/vm/{vm_id}/disk", "resize_vm_disk", "Grow the disk and its filesystem.")
                .usesGuest().takesResources().body(.named("DiskRequest")).answersNothing(),
            .patch("/vm/{vm_id}/network", "update_vm_network", "Change what the VM may reach, at once.")
                .body(.named("EgressRequest")).answersNothing().fails(.conflict),
            .patch("/vm/{vm_id}/wake", "set_vm_wake_on_traffic", "Say whether connections wake the VM.")
                .body(.named("WakeRequest")).answersNothing(),
            .post("/vm/{vm_id}/commit", "commit_vm", "Freeze the VM's state forever.")
                .usesGuest().takesResources()
                .query("keep_paused", Schema.boolean.standard(false), "leave the VM paused")
                .optionalBody(.named("CommitRequest")).answers(201, .named("NewCommit")).fails(.alreadyExists),
            .delete("/vm/{vm_id}", "delete_vm", "Delete a VM.")
                .query("recursive", Schema.boolean.standard(false), "delete its children too")
                .usesGuest().answers(200, .named("DeletedVMs")).fails(.hasChildren),
            .get("/vm/{vm_id}/console", "vm_console", "A piece of the serial console's output.")
                .query("offset", Schema.integer(0...Int.max).standard(0), "where the piece begins, in bytes")
                .query(
                    "limit",
                    Schema.integer(1...TransferLimit.consoleBytes).standard(.integer(ConsoleResponse.defaultLimit)),
                    "how many bytes at most"
                )
                .answers(200, .named("ConsolePiece")),
            .get("/vm/{vm_id}/console/stream", "vm_console_stream", "Follow the serial console's output.")
                .query("offset", Schema.integer(0...Int.max).standard(0), "where the first piece begins, in bytes")
                .answersLines(of: .named("ConsolePiece")),
        ],
        schemas: machineSchemas.merging(machineRequestSchemas) { own, _ in own }
    )

    private static let state = Schema.choice(MachineState.allCases.map(\.rawValue))
    private static let wakeOnTraffic = Schema.boolean.about(
        "Whether a connection lets it run when it is paused or asleep."
    )
    private static let idleTimeout = Schema.integer(DomainConfiguration.idleTimeoutSecondsRange)
        .about("Seconds without a connection after which it rests again when one has woken it.")
    private static let isPrivate = Schema.boolean.about("Whether its ports, but for SSH, need a link or a key.")
    private static let reason = Schema.string.about("Why it is dead or stopped.")

    private static let networkMode = Schema.choice(NetworkMode.allCases.map(\.rawValue))
        .about("`bridge`: an address of its own in the private network of its tree.")
    private static let egress = Schema.choice(EgressMode.allCases.map(\.rawValue))
        .about("What may be reached outside the private network.")
    private static let allow = Schema.array(of: .string)
        .about("With `list`: `host`, `host:port` or `host:port/udp`; the host is a name, an address or a network.")

    private static let machineSchemas: [String: Schema] = [
        "VM": .object(
            [
                "vm_id": .uuid, "owner_id": .uuid, "state": state, "created_at": .timestamp,
                "mem_size_mib": .count, "vcpu_count": .count, "fs_size_mib": .count,
            ],
            optional: [
                "labels": labels, "parent_vm_id": Schema.uuid.about("The VM that it was branched from."),
                "parent_commit_id": Schema.uuid.about("The commit that it was started from."), "state_reason": reason,
            ]
        ),
        "VMMetadata": .object(
            [
                "vm_id": .uuid, "owner_id": .uuid, "state": state, "created_at": .timestamp,
                "ip": Schema.string.about("In the VM's own network."), "hostname": .string, "mem_size_mib": .count,
                "vcpu_count": .count, "fs_size_mib": .count, "image_name": .string,
                "accelerator": Schema.string.about("`kvm` or `tcg`."), "accelerator_reason": .string,
                "wake_on_traffic": wakeOnTraffic, "idle_timeout_secs": idleTimeout, "is_private": isPrivate,
            ],
            optional: [
                "deleted_at": .timestamp, "parent_commit_id": .uuid,
                "grandparent_vm_id": Schema.uuid.about("The VM that `parent_commit_id` was taken from."),
                "labels": labels, "state_reason": reason, "network": .named("VMNetwork"),
            ]
        ),
        "VMNetwork": .object(
            ["mode": networkMode],
            optional: [
                "address": Schema.string.about("Where other VMs of the tree reach it."),
                "names": Schema.array(of: .string).about("What other VMs of the tree find it under."),
                "egress": egress, "allow": allow,
            ]
        ),
        "SSHKey": .object(
            ["ssh_private_key": Schema.string.about("In OpenSSH's PEM format."), "ssh_port": .integer(0...65_535)],
            optional: ["ssh_host_key": Schema.string.about("What the VM's SSH server shows: type and base64.")]
        ),
        "DeletedVMs": .object([
            "vm_id": .uuid, "vm_ids": Schema.array(of: .uuid).about("All that went, the children first."),
        ]),
        "ConsolePiece": .object(["content_b64": .base64, "next_offset": .count]),
        "NewCommit": .object(["commit_id": .uuid]),
    ]

    private static let machineRequestSchemas: [String: Schema] = [
        "NewRootRequest": .object(["vm_config": .named("VMConfig")]),
        "VMConfig": .object(
            [:],
            optional: [
                "mem_size_mib": Schema.integer(DomainConfiguration.memoryMiBRange)
                    .standard(.integer(MachineConfiguration.defaultMemoryMiB)),
                "vcpu_count": Schema.integer(DomainConfiguration.vcpuCountRange)
                    .standard(.integer(MachineConfiguration.defaultVCPUCount)),
                "fs_size_mib": Schema.integer(DomainConfiguration.diskMiBRange)
                    .about("Absent: \(MachineConfiguration.defaultDiskMiB), or the image's size if that is larger."),
                "image_name": Schema.name.standard(.string(MachineConfiguration.defaultImageName)),
                "kernel_name": Schema.string.standard(.string(MachineConfiguration.defaultKernelName)),
                "labels": labels, "network": .named("NetworkConfig"),
                "is_private": isPrivate.standard(false),
                "wake_on_traffic": wakeOnTraffic.standard(false),
                "idle_timeout_secs": idleTimeout,
                "env": Schema.map(of: .string)
                    .about("Environment variables, over those of the organisation. Children have them too."),
            ]
        ),
        "NetworkConfig": .object(["mode": networkMode], optional: ["egress": egress, "allow": allow]),
        "EgressRequest": .object([:], optional: ["egress": egress, "allow": allow]),
        "FromCommitRequest": Schema.object(
            [:],
            optional: [
                "commit_id": .any(of: [
                    Schema.uuid.about("A commit's id."), Schema.string.about("Also what the two others take."),
                ]), "tag_name": .name,
                "ref": Schema.string.about("`repository:tag` or `organisation/repository:tag`."),
                "network": .named("NetworkConfig"),
            ]
        ).exactlyOne(of: ["commit_id", "tag_name", "ref"]),
        "StateRequest": .object(["state": .choice(RequestedState.allCases.map(\.rawValue))]),
        "DiskRequest": .object([
            "fs_size_mib": Schema.integer(DomainConfiguration.diskMiBRange).about("Larger than now.")
        ]),
        "WakeRequest": .object(["wake_on_traffic": wakeOnTraffic], optional: ["idle_timeout_secs": idleTimeout]),
        "CommitRequest": .object(
            [:],
            optional: [
                "commit_id": Schema.uuid.about("The new commit's id. Absent: one is made."),
                "name": Schema.name.about("Absent: one is made."), "description": description,
            ]
        ),
    ]
}
