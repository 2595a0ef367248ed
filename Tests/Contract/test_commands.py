"""Commands, their streams and journal, and files."""

import base64
import json
import uuid

import pytest
from vers_sdk import models

import sdk

SHELL = ["sh", "-c", "echo out; echo err >&2; exit 3"]


@pytest.mark.happy("exec_vm")
def test_a_command_runs(vm):
    answer = sdk.call("exec_vm", vm, {"command": SHELL})
    assert (answer["exit_code"], answer["stdout"], answer["stderr"]) == (3, "out\n", "err\n")
    body = {"command": ["sh", "-c", "cat; pwd; echo $A"], "stdin": "in\n", "working_dir": "/tmp", "env": {"A": "b"}}
    assert sdk.call("exec_vm", vm, body)["stdout"] == "in\n/tmp\nb\n"


@pytest.mark.happy("exec_vm_stream", "exec_vm_stream_attach")
def test_a_stream_of_one_line_is_read(vm):
    """A command without output makes one line, its exit: the only stream that the SDK can read."""
    command = str(uuid.uuid4())
    answer = sdk.call("exec_vm_stream", vm, {"command": ["true"], "exec_id": command})
    assert (answer["type"], answer["exit_code"], answer["exec_id"]) == ("exit", 0, command)
    again = sdk.call("exec_vm_stream_attach", vm, {"exec_id": command})
    assert (again["type"], again["exit_code"]) == ("exit", 0)


@pytest.mark.failing("exec_vm_stream", "exec_vm_stream_attach")
def test_the_sdk_cannot_read_a_stream_of_several_lines(vm):
    """It reads the whole body as one JSON value. A correct stream has a line for each event, so it cannot work with any
    server as soon as a command prints something."""
    command = str(uuid.uuid4())
    with pytest.raises(json.JSONDecodeError, match="Extra data"):
        sdk.call("exec_vm_stream", vm, {"command": ["echo", "hello"], "exec_id": command})
    with pytest.raises(json.JSONDecodeError, match="Extra data"):
        sdk.call("exec_vm_stream_attach", vm, {"exec_id": command})


@pytest.mark.happy("vm_logs")
def test_the_journal_has_what_commands_print(vm):
    text = uuid.uuid4().hex
    command = sdk.call("exec_vm", vm, {"command": ["echo", text]})["exec_id"]
    entries, offset = [], 0
    while True:
        page = sdk.call("vm_logs", vm, models.VmLogsParams(offset=offset, max_entries=100, stream="stdout"))
        entries += page["entries"]
        if page["eof"]:
            break
        offset = page["next_offset"]
    assert [base64.b64decode(one["data_b64"]).decode() for one in entries if one["exec_id"] == command] == [text + "\n"]


@pytest.mark.happy("write_file_vm", "read_file_vm")
def test_a_file_is_written_and_read(vm):
    content = base64.b64encode(bytes(range(256))).decode()
    body = {"path": "/tmp/contract/file", "content_b64": content, "mode": 0o600, "create_dirs": True}
    assert sdk.call("write_file_vm", vm, body) == {}
    assert sdk.call("read_file_vm", vm, models.ReadFileVmParams(path="/tmp/contract/file"))["content_b64"] == content


@pytest.mark.failing("exec_vm", "exec_vm_stream", "exec_vm_stream_attach", "vm_logs", "read_file_vm", "write_file_vm")
@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("exec_vm", [{"command": ["true"]}]),
        ("exec_vm_stream", [{"command": ["true"]}]),
        ("exec_vm_stream_attach", [{"exec_id": str(uuid.uuid4())}]),
        ("vm_logs", []),
        ("read_file_vm", [models.ReadFileVmParams(path="/etc/hostname")]),
        ("write_file_vm", [{"path": "/tmp/a", "content_b64": ""}]),
    ],
)
def test_an_unknown_vm_is_not_found(method, arguments, unknown):
    error = sdk.failure(method, unknown, *arguments)
    assert (error.status, error.body["code"]) == (404, "not_found")


@pytest.mark.failing("exec_vm", "exec_vm_stream", "exec_vm_stream_attach", "vm_logs", "read_file_vm", "write_file_vm")
@pytest.mark.parametrize(
    ("method", "arguments", "status"),
    [
        ("exec_vm", [{"command": []}], 400),
        ("exec_vm", [{"command": "true"}], 422),
        ("exec_vm", [{}], 422),
        ("exec_vm_stream", [{"command": []}], 400),
        ("exec_vm_stream_attach", [{"exec_id": str(uuid.uuid4())}], 404),
        ("vm_logs", [models.VmLogsParams(stream="stdin")], 400),
        ("read_file_vm", [models.ReadFileVmParams(path="/no/such/file")], 404),
        ("read_file_vm", [], 400),
        ("write_file_vm", [{"path": "relative", "content_b64": ""}], 400),
        ("write_file_vm", [{"path": "/tmp/a", "content_b64": "?"}], 422),
    ],
)
def test_what_cannot_be_is_refused(vm, method, arguments, status):
    assert sdk.failure(method, vm, *arguments).status == status
