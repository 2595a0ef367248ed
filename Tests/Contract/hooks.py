"""Lets Schemathesis meet real VMs: puts real ids where it made up valid ones, keeps sizes small, and removes what was made."""

import os
import uuid

import requests
import schemathesis

URL = os.environ["VERS_CONTRACT_URL"] + "/api/v1"
HEADERS = {"Authorization": "Bearer " + os.environ["VERS_CONTRACT_KEY"]}
MEMORY_MIB, VCPUS, DISK_MIB = 128, 2, 2048
# How many VMs the deleting operation gets; after those it meets ids that do not exist.
SACRIFICES = 2


class World:
    """The VM, the commit and the command that requests are about, made when first needed."""

    def __init__(self):
        self.vm = None
        self.commit = None
        self.command = None
        self.sacrifices = SACRIFICES
        self.own = self.own_ids()

    def own_ids(self):
        """The key, its user and its organisation: without them nothing can be asked."""
        own = {HEADERS["Authorization"].removeprefix("Bearer ")[:36]}
        answer = self.request("GET", "/whoami")
        if answer.ok:
            own |= {part["id"] for part in answer.json().values()}
        return own

    def request(self, method, path, **options):
        return requests.request(method, URL + path, headers=HEADERS, timeout=120, **options)

    def create(self):
        body = {"vm_config": {"image_name": "tiny", "mem_size_mib": MEMORY_MIB}}
        answer = self.request("POST", "/vm/new_root", params={"wait_boot": "true"}, json=body)
        answer.raise_for_status()
        return answer.json()["vm_id"]

    def vm_id(self):
        if self.vm is None:
            self.vm = self.create()
        elif self.request("GET", f"/vm/{self.vm}/status").json().get("state") != "running":
            self.request("PATCH", f"/vm/{self.vm}/state", json={"state": "Running"})
        return self.vm

    def commit_id(self):
        if self.commit is None:
            answer = self.request("POST", f"/vm/{self.vm_id()}/commit")
            answer.raise_for_status()
            self.commit = answer.json()["commit_id"]
        return self.commit

    def exec_id(self):
        if self.command is None:
            self.command = str(uuid.uuid4())
            body = {"command": ["true"], "exec_id": self.command}
            self.request("POST", f"/vm/{self.vm_id()}/exec", json=body).raise_for_status()
        return self.command

    def sacrifice(self, made_up):
        if self.sacrifices == 0:
            return made_up
        self.sacrifices -= 1
        return self.create()


WORLD = World()
CALLS = {}


def is_uuid(value):
    try:
        return isinstance(value, str) and bool(uuid.UUID(value))
    except ValueError:
        return False


def is_spared(case):
    """The ids of one request in four to each operation stay made up: always the same ones, and never all of them."""
    place = (case.method, case.path)
    CALLS[place] = CALLS.get(place, 0) + 1
    return CALLS[place] % 4 == 0


def bound(fields, name, limit, ceiling):
    """A size that the document allows becomes one that this machine can carry."""
    value = fields.get(name)
    if type(value) is int and limit < value <= ceiling:
        fields[name] = limit


def use_real_ids(case, spared):
    for name, value in (case.path_parameters or {}).items():
        # Schemathesis also uses ids from earlier answers.
        if case.method == "DELETE" and value in WORLD.own:
            case.path_parameters[name] = str(uuid.uuid5(uuid.UUID(value), "another"))
        if not is_uuid(value) or spared or value in WORLD.own:
            continue
        if name == "vm_id" and case.method == "DELETE" and case.path.endswith("/vm/{vm_id}"):
            case.path_parameters[name] = WORLD.sacrifice(value)
        elif name in ("vm_id", "vm_or_commit_id"):
            case.path_parameters[name] = WORLD.vm_id()
        elif name == "commit_id" and case.method != "DELETE":
            case.path_parameters[name] = WORLD.commit_id()
        elif name == "exec_id":
            case.path_parameters[name] = WORLD.exec_id()


def bound_sizes(body):
    """No request asks for more than this machine can carry."""
    bound(body, "fs_size_mib", DISK_MIB, 16_777_216)
    configuration = body.get("vm_config")
    if isinstance(configuration, dict):
        bound(configuration, "mem_size_mib", MEMORY_MIB, 1_048_576)
        bound(configuration, "vcpu_count", VCPUS, 64)
        bound(configuration, "fs_size_mib", DISK_MIB, 16_777_216)


def use_real_values(body):
    """The same for fields of the body."""
    if is_uuid(body.get("commit_id")) and "name" not in body:
        body["commit_id"] = WORLD.commit_id()
    if is_uuid(body.get("vm_id")):
        body["vm_id"] = WORLD.vm_id()
    if is_uuid(body.get("exec_id")) and "command" not in body:
        body["exec_id"] = WORLD.exec_id()
    configuration = body.get("vm_config")
    if isinstance(configuration, dict) and isinstance(configuration.get("image_name"), str):
        configuration["image_name"] = "tiny"
    source = body.get("source")
    if isinstance(source, dict) and isinstance(source.get("image_ref"), str):
        source["image_ref"] = "127.0.0.1:9/nothing:1"


@schemathesis.hook
def before_call(context, case, kwargs):
    spared = is_spared(case)
    use_real_ids(case, spared)
    # A made-up name says nothing of what it names: most requests go without.
    if isinstance(case.headers, dict) and not spared:
        case.headers.pop("X-Idempotency-Key", None)
    if isinstance(case.query, dict):
        count = case.query.get("count")
        if str(count).isdigit() and 2 < int(count) <= 1000:
            case.query["count"] = 2
    if isinstance(case.body, dict):
        bound_sizes(case.body)
        if not spared:
            use_real_values(case.body)


@schemathesis.hook
def after_call(context, case, response):
    if response.status_code != 201 or case.method != "POST":
        return
    made = response.json()
    for vm in made.get("vms", [made]):
        if "vm_id" in vm:
            WORLD.request("DELETE", f"/vm/{vm['vm_id']}", params={"recursive": "true"})
