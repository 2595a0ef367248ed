"""VMs: create, look at, change, delete."""

import pytest
from vers_sdk import models

import sdk


@pytest.mark.happy("create_new_root_vm", "vm_status", "get_vm_metadata", "list_vms", "delete_vm")
def test_a_vm_comes_and_goes(make_vm):
    vm = make_vm(labels={"role": "db"})
    assert sdk.call("vm_status", vm)["state"] == "running"
    assert sdk.call("get_vm_metadata", vm)["mem_size_mib"] == 128
    listed = {one["vm_id"]: one for one in sdk.call("list_vms")}
    assert listed[vm]["labels"] == {"role": "db"}
    assert sdk.call("delete_vm", vm, models.DeleteVmParams(skip_wait_boot=False))["vm_id"] == vm
    assert vm not in [one["vm_id"] for one in sdk.call("list_vms")]
    assert sdk.call("get_vm_metadata", vm)["deleted_at"] is not None


@pytest.mark.happy("restore_from_commit")
def test_a_vm_comes_from_a_commit(commit):
    vm = sdk.call("restore_from_commit", {"commit_id": commit})["vm_id"]
    assert sdk.call("get_vm_metadata", vm)["parent_commit_id"] == commit
    sdk.call("delete_vm", vm)


@pytest.mark.happy("update_vm_state")
def test_a_vm_sleeps_and_wakes(make_vm):
    vm = make_vm()
    sdk.call("update_vm_state", vm, {"state": "Sleeping"})
    assert sdk.call("vm_status", vm)["state"] == "sleeping"
    sdk.call("update_vm_state", vm, {"state": "Running"}, models.UpdateVmStateParams(skip_wait_boot=False))
    assert sdk.call("vm_status", vm)["state"] == "running"
    sdk.call("update_vm_state", vm, {"state": "Paused"})
    assert sdk.call("vm_status", vm)["state"] == "paused"


@pytest.mark.happy("resize_vm_disk")
def test_a_disk_grows(make_vm):
    vm = make_vm()
    size = sdk.call("get_vm_metadata", vm)["fs_size_mib"]
    assert sdk.call("resize_vm_disk", vm, {"fs_size_mib": size + 256}, models.ResizeVmDiskParams()) == {}
    assert sdk.call("get_vm_metadata", vm)["fs_size_mib"] == size + 256


@pytest.mark.happy("ssh_key")
def test_the_key_for_ssh_is_of_openssh(vm):
    answer = sdk.call("ssh_key", vm)
    assert answer["ssh_private_key"].startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    assert 0 < answer["ssh_port"] < 65536


@pytest.mark.happy("upsert_vm_labels")
def test_labels_are_added(vm):
    assert sdk.call("upsert_vm_labels", vm, {"labels": {"a": "1"}}) == {}
    sdk.call("upsert_vm_labels", vm, {"labels": {"b": "2"}})
    labels = sdk.call("vm_status", vm)["labels"]
    assert (labels["a"], labels["b"]) == ("1", "2")


@pytest.mark.happy("replace_vm_labels", "delete_vm_label")
def test_labels_are_replaced_and_removed(make_vm):
    vm = make_vm(labels={"old": "1"})
    sdk.call("replace_vm_labels", vm, {"labels": {"a": "1", "b": "2"}})
    sdk.call("delete_vm_label", vm, "a")
    assert sdk.call("vm_status", vm)["labels"] == {"b": "2"}


@pytest.mark.failing(
    "vm_status", "get_vm_metadata", "ssh_key", "delete_vm", "update_vm_state", "resize_vm_disk", "upsert_vm_labels"
)
@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("vm_status", []),
        ("get_vm_metadata", []),
        ("ssh_key", []),
        ("delete_vm", []),
        ("update_vm_state", [{"state": "Paused"}]),
        ("resize_vm_disk", [{"fs_size_mib": 4096}]),
        ("upsert_vm_labels", [{"labels": {"a": "1"}}]),
    ],
)
def test_an_unknown_vm_is_not_found(method, arguments, unknown):
    error = sdk.failure(method, unknown, *arguments)
    assert (error.status, error.body["code"]) == (404, "not_found")
    assert unknown in error.error_message or "not found" in error.error_message
    assert sdk.failure(method, "no-uuid", *arguments).status == 400


@pytest.mark.failing("replace_vm_labels", "delete_vm_label")
def test_labels_of_an_unknown_vm_are_not_found(unknown):
    assert sdk.failure("replace_vm_labels", unknown, {"labels": {}}).status == 404
    assert sdk.failure("delete_vm_label", unknown, "a").status == 404
    # Without the field it would remove every label.
    assert sdk.failure("replace_vm_labels", unknown, {}).status == 422


@pytest.mark.failing("create_new_root_vm")
@pytest.mark.parametrize(
    ("configuration", "status"),
    [({"image_name": "nothing"}, 404), ({"mem_size_mib": 1}, 400), ({"mem_size_mib": "much"}, 422)],
)
def test_a_vm_that_cannot_be_is_refused(configuration, status):
    assert sdk.failure("create_new_root_vm", {"vm_config": configuration}).status == status


@pytest.mark.failing("create_new_root_vm", "restore_from_commit")
def test_a_body_without_its_field_is_refused(unknown):
    assert sdk.failure("create_new_root_vm", {}).status == 422
    assert sdk.failure("restore_from_commit", {}).status == 400
    assert sdk.failure("restore_from_commit", {"commit_id": unknown}).status == 404


@pytest.mark.failing("update_vm_state", "resize_vm_disk")
def test_a_change_that_cannot_be_is_refused(vm):
    assert sdk.failure("update_vm_state", vm, {"state": "running"}).status == 422
    assert sdk.failure("resize_vm_disk", vm, {"fs_size_mib": 1}).status == 400


@pytest.mark.failing("list_vms")
def test_lists_need_a_key():
    assert sdk.failure("list_vms", key="wrong").status == 401
