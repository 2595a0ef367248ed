import VersAPI

// Whose a VM and a commit are.

extension Machine {
    var organisationID: OrganisationID { .owner }
}

extension Commit {
    var organisationID: OrganisationID { .owner }
}
