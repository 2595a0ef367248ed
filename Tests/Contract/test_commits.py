"""Commits."""

import pytest
from vers_sdk import models

import sdk


@pytest.mark.happy("commit_vm", "list_commits", "list_parent_commits")
def test_a_commit_is_listed_and_knows_its_parents(vm, commit):
    child = sdk.call("commit_vm", vm, {}, models.CommitVmParams(keep_paused=False))["commit_id"]
    page = sdk.call("list_commits")
    assert {commit, child} <= {one["commit_id"] for one in page["commits"]}
    assert page["total"] >= 2
    history = sdk.call("list_parent_commits", child)
    assert history[0]["id"] == child
    assert history[0]["parent_vm_id"] == vm
    sdk.call("delete_commit", child)


@pytest.mark.happy("update_commit", "list_public_commits")
def test_a_commit_is_shown_to_all(commit):
    assert sdk.call("update_commit", commit, {"is_public": True, "description": "shown"})["description"] == "shown"
    assert commit in [one["commit_id"] for one in sdk.call("list_public_commits")["commits"]]
    assert sdk.call("update_commit", commit, {"is_public": False})["is_public"] is False
    assert commit not in [one["commit_id"] for one in sdk.call("list_public_commits")["commits"]]


@pytest.mark.happy("delete_commit")
@pytest.mark.failing("list_parent_commits")
def test_a_commit_goes(vm):
    commit = sdk.call("commit_vm", vm, {})["commit_id"]
    assert sdk.call("delete_commit", commit) == {}
    assert sdk.failure("list_parent_commits", commit).status == 404


@pytest.mark.failing("delete_commit")
def test_a_commit_in_use_stays(commit):
    vm = sdk.call("restore_from_commit", {"commit_id": commit})["vm_id"]
    error = sdk.failure("delete_commit", commit)
    assert (error.status, error.body["code"]) == (409, "in_use")
    sdk.call("delete_vm", vm)


@pytest.mark.failing("commit_vm", "update_commit", "delete_commit", "list_parent_commits")
def test_what_is_unknown_is_not_found(unknown):
    assert sdk.failure("commit_vm", unknown, {}).status == 404
    assert sdk.failure("update_commit", unknown, {"is_public": True}).status == 404
    assert sdk.failure("delete_commit", unknown).status == 404
    assert sdk.failure("list_parent_commits", unknown).status == 404


@pytest.mark.failing("update_commit", "commit_vm")
def test_an_edit_that_cannot_be_is_refused(vm, commit):
    assert sdk.failure("update_commit", commit, {}).status == 422
    assert sdk.failure("commit_vm", vm, {"name": "not a name"}).status == 400


@pytest.mark.failing("list_commits", "list_public_commits")
def test_lists_need_a_key():
    assert sdk.failure("list_commits", key="wrong").status == 401
    assert sdk.failure("list_public_commits", key="wrong").status == 401
