"""That Schemathesis' requests met something: each operation was done at least once, and not only refused."""

import json
import os

import pytest

REACHED = os.environ["VERS_CONTRACT_REACHED"]
#: What no made-up request can have done, and why.
NOT_DONE = {
    "POST /api/v1/deploy": "no GitHub App is configured",
    "POST /api/shell-auth": "nobody may sign up",
    "POST /api/shell-auth/verify-key": "nobody has signed up",
    "POST /api/shell-auth/verify-public-key": "nobody has signed up",
    "POST /api/shell-auth/api-keys": "nobody has signed up",
    "POST /api/v1/registrations/{registration_id}/approve": "nobody has signed up",
    "DELETE /api/v1/registrations/{registration_id}": "nobody has signed up",
    "DELETE /api/v1/orgs/{org_id}/members/{user_id}": "the only member is the one who asks",
    "POST /api/v1/images/create": "there is no registry; IntegrationTests make images",
    "DELETE /api/v1/images/images/{base_image_id}": "there is no image that was made",
    "PATCH /api/v1/vm/{vm_id}/network": "VMs have networks of their own only where the host was prepared for them",
}


@pytest.fixture(scope="module")
def reached():
    if not os.path.exists(REACHED):
        pytest.skip("Schemathesis did not run")
    with open(REACHED) as file:
        return json.load(file)


def test_every_operation_was_done(reached):
    done = {operation for operation, statuses in reached.items() if any(status.startswith("2") for status in statuses)}
    refused = {operation: statuses for operation, statuses in reached.items() if operation not in done}
    assert {operation: statuses for operation, statuses in refused.items() if operation not in NOT_DONE} == {}
    assert done.intersection(NOT_DONE) == set()
