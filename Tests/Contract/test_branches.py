"""Branches: from VMs, commits and names."""

import pytest
from vers_sdk import models

import sdk


def check_and_delete(answer, count):
    vms = [one["vm_id"] for one in answer["vms"]]
    assert len(set(vms)) == count
    for vm in vms:
        assert sdk.call("vm_status", vm)["state"] == "running"
        sdk.call("delete_vm", vm)


@pytest.mark.happy("branch_vm")
def test_a_vm_is_branched(vm):
    check_and_delete(sdk.call("branch_vm", vm, None, models.BranchVmParams(count=2)), 2)


@pytest.mark.happy("branch_vm")
def test_a_commit_is_branched(commit):
    check_and_delete(sdk.call("branch_vm", commit), 1)


@pytest.mark.happy("branch_by_vm")
def test_a_vm_is_branched_by_its_type(vm):
    check_and_delete(sdk.call("branch_by_vm", vm, {}, models.BranchByVmParams(keep_paused=False)), 1)


@pytest.mark.happy("branch_by_commit")
def test_a_commit_is_branched_by_its_type(commit):
    check_and_delete(sdk.call("branch_by_commit", commit, params=models.BranchByCommitParams(count=1)), 1)


@pytest.mark.happy("branch_by_tag")
def test_a_tag_is_branched(commit, name):
    sdk.call("create_tag", {"tag_name": name, "commit_id": commit})
    check_and_delete(sdk.call("branch_by_tag", name, params=models.BranchByTagParams(count=1)), 1)


@pytest.mark.happy("branch_by_ref")
def test_a_tag_of_a_repository_is_branched(commit, name):
    sdk.call("create_repository", {"name": name})
    sdk.call("create_repo_tag", name, {"tag_name": "v1", "commit_id": commit})
    check_and_delete(sdk.call("branch_by_ref", name, "v1", params=models.BranchByRefParams(count=1)), 1)


@pytest.mark.failing("branch_vm", "branch_by_vm", "branch_by_commit")
@pytest.mark.parametrize("method", ["branch_vm", "branch_by_vm", "branch_by_commit"])
def test_what_is_unknown_is_not_found(method, unknown):
    error = sdk.failure(method, unknown)
    assert (error.status, error.body["code"]) == (404, "not_found")
    # The typed routes' errors have the shape of their answers.
    assert ("vms" in error.body) == (method != "branch_vm")


@pytest.mark.failing("branch_vm")
def test_too_many_are_refused(vm):
    assert sdk.failure("branch_vm", vm, None, models.BranchVmParams(count=0)).status == 400


@pytest.mark.failing("branch_by_tag", "branch_by_ref")
def test_unknown_names_are_not_found(name):
    for error in [sdk.failure("branch_by_tag", name), sdk.failure("branch_by_ref", name, "v1")]:
        assert (error.status, error.body["vms"]) == (404, [])
