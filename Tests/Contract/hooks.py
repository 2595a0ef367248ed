"""Lets Schemathesis meet real things: puts real ids and names where it made up valid ones, keeps sizes small and commands short,
and removes what was made.

Which operations succeeded at least once is written to the file that VERS_CONTRACT_REACHED names, for test_schemathesis.py.
"""

import atexit
import json
import os
import re
import uuid

import requests
import schemathesis

URL = os.environ["VERS_CONTRACT_URL"] + "/api/v1"
HEADERS = {"Authorization": "Bearer " + os.environ["VERS_CONTRACT_KEY"]}
MEMORY_MIB, VCPUS, DISK_MIB = 128, 2, 2048
# A command that waits for input gets none from a made-up request.
TIMEOUT_SECONDS = 3
# How many things each deleting operation gets; after those it meets names of nothing.
SACRIFICES = 2
COMMANDS = [["sh", "-c", "echo out; echo err >&2; exit 3"], ["cat"], ["true"], ["env"]]


class World:
    """What requests are about, made when first needed and again when it has gone."""

    def __init__(self):
        self.vm = None
        self.commit = None
        self.ended = None
        self.running = None
        self.domain = None
        self.disk_mib = 0
        self.count = 0
        self.sacrifices = {}
        self.own = self.own_ids()

    def own_ids(self):
        """The key, its user and its organisation: without them nothing can be asked."""
        own = {HEADERS["Authorization"].removeprefix("Bearer ")[:36]}
        answer = self.request("GET", "/whoami")
        if answer.ok:
            parts = answer.json()
            self.organisation, self.organisation_id = parts["org"]["name"], parts["org"]["id"]
            own |= {part["id"] for part in parts.values()}
        return own

    def request(self, method, path, **options):
        return requests.request(method, URL + path, headers=HEADERS, timeout=120, **options)

    def make(self, method, path, body=None, **options):
        answer = self.request(method, path, json=body, **options)
        if answer.status_code != 409:
            answer.raise_for_status()
        return answer.json() if answer.content else None

    def name(self):
        self.count += 1
        return f"made{self.count}"

    def create(self):
        body = {"vm_config": {"image_name": "tiny", "mem_size_mib": MEMORY_MIB}}
        return self.make("POST", "/vm/new_root", body, params={"wait_boot": "true"})["vm_id"]

    def vm_id(self):
        state = self.vm and self.request("GET", f"/vm/{self.vm}/status").json().get("state")
        if state is None:
            self.vm = self.create()
            self.running = self.ended = None
            self.disk_mib = self.request("GET", f"/vm/{self.vm}/metadata").json()["fs_size_mib"]
        elif state != "running":
            self.request("PATCH", f"/vm/{self.vm}/state", json={"state": "Running"})
        return self.vm

    def larger_disk(self):
        self.vm_id()
        self.disk_mib += 16
        return self.disk_mib

    def commit_id(self):
        if self.commit is None or self.request("GET", f"/vm/commits/{self.commit}/parents").status_code == 404:
            self.commit = self.make("POST", f"/vm/{self.vm_id()}/commit")["commit_id"]
        return self.commit

    def ended_command(self):
        vm = self.vm_id()
        if self.ended is None:
            self.ended = str(uuid.uuid4())
            self.make("POST", f"/vm/{vm}/exec", {"command": ["true"], "exec_id": self.ended})
        return self.ended

    def running_command(self):
        """One with a terminal that takes input; the one before it is ended."""
        vm = self.vm_id()
        if self.running is not None:
            self.request("POST", f"/vm/{vm}/exec/{self.running}/signal", json={"signal": 9})
        self.running = str(uuid.uuid4())
        body = {"command": ["cat"], "exec_id": self.running, "keep_stdin_open": True, "tty": {"columns": 80, "rows": 24}}
        with self.request("POST", f"/vm/{vm}/exec/stream", json=body, stream=True) as stream:
            stream.raise_for_status()
        return self.running

    def label(self):
        self.make("PATCH", f"/vm/{self.vm_id()}/label", {"labels": {"made": "1"}})
        return "made"

    def variable(self):
        self.make("PUT", "/env_vars", {"vars": {"MADE": "1"}})
        return "MADE"

    def commit_tag(self):
        name = self.name()
        self.make("POST", "/commit_tags", {"tag_name": name, "commit_id": self.commit_id()})
        return name

    def repository(self):
        """A public one with the tag `v1`."""
        name = self.name()
        self.make("POST", "/repositories", {"name": name})
        self.make("PATCH", f"/repositories/{name}/visibility", {"is_public": True})
        self.make("POST", f"/repositories/{name}/tags", {"tag_name": "v1", "commit_id": self.commit_id()})
        return name

    def domain_id(self):
        body = {"domain": f"{self.name()}.example.com", "vm_id": self.vm_id()}
        return self.make("POST", "/domains", body)["domain_id"]

    def key_id(self):
        return self.make("POST", "/keys", {"label": self.name()})["key"]["key_id"]

    def may_delete(self, operation):
        """Whether there is something left to give to an operation that deletes."""
        self.sacrifices[operation] = self.sacrifices.get(operation, 0) + 1
        return self.sacrifices[operation] <= SACRIFICES


WORLD = World()
CALLS = {}
REACHED = {}


def is_uuid(value):
    try:
        return isinstance(value, str) and bool(uuid.UUID(value))
    except ValueError:
        return False


def is_name(value):
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9._-]{1,64}", value) is not None


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


def path_values(case):
    """Suppliers of what the path may name, by parameter."""
    takes_running = case.path.endswith(("/resize", "/signal", "/stdin"))
    values = {
        "exec_id": WORLD.running_command if takes_running else WORLD.ended_command,
        "label_name": WORLD.label,
        "key": WORLD.variable,
        "domain_id": WORLD.domain_id,
        "key_id": WORLD.key_id,
        "repo_name": WORLD.repository,
        "org_name": lambda: WORLD.organisation,
        "tag_name": (lambda: "v1") if "{repo_name}" in case.path else WORLD.commit_tag,
        "vm_id": WORLD.vm_id,
        "vm_or_commit_id": WORLD.vm_id,
        "commit_id": WORLD.commit_id,
    }
    if case.method == "DELETE":
        if case.path.endswith("/vm/{vm_id}"):
            values["vm_id"] = WORLD.create
        if case.path.endswith("/{commit_id}"):
            values["commit_id"] = lambda: WORLD.make("POST", f"/vm/{WORLD.vm_id()}/commit")["commit_id"]
    return values


def use_real_path(case, spared):
    parameters = case.path_parameters or {}
    for name, value in parameters.items():
        # Schemathesis also uses ids from earlier answers.
        if case.method == "DELETE" and value in WORLD.own:
            parameters[name] = str(uuid.uuid5(uuid.UUID(value), "another"))
    if spared or not all(is_uuid(value) if name.endswith("_id") else is_name(value) for name, value in parameters.items()):
        return
    if case.method == "DELETE" and not WORLD.may_delete(case.path):
        return
    values = path_values(case)
    for name in parameters:
        if name in values and parameters[name] not in WORLD.own:
            parameters[name] = values[name]()


def bound_sizes(body):
    """No request asks for more than this machine can carry, and no command runs on."""
    bound(body, "fs_size_mib", DISK_MIB, 16_777_216)
    configuration = body.get("vm_config")
    if isinstance(configuration, dict):
        bound(configuration, "mem_size_mib", MEMORY_MIB, 1_048_576)
        bound(configuration, "vcpu_count", VCPUS, 64)
        bound(configuration, "fs_size_mib", DISK_MIB, 16_777_216)


def use_real_values(case, body):
    """The same for fields of the body."""
    if "command" in body:
        use_real_command(case, body)
    elif is_uuid(body.get("exec_id")):
        body["exec_id"] = WORLD.ended_command()
    # A commit may be asked for by an id of the caller's.
    if isinstance(body.get("commit_id"), str) and not case.path.endswith("/commit"):
        body["commit_id"] = WORLD.commit_id()
    if is_uuid(body.get("vm_id")):
        body["vm_id"] = WORLD.vm_id()
    if case.method == "PATCH" and case.path.endswith("/disk") and type(body.get("fs_size_mib")) is int and body["fs_size_mib"] > 0:
        body["fs_size_mib"] = WORLD.larger_disk()
    if is_name(body.get("source_repo")):
        body |= {"source_org": WORLD.organisation, "source_repo": WORLD.repository(), "source_tag": "v1"}
        body |= {name: WORLD.name() for name in ("repo_name", "tag_name") if is_name(body.get(name))}
    elif is_name(body.get("tag_name")):
        body["tag_name"] = WORLD.name()
    configuration = body.get("vm_config")
    if isinstance(configuration, dict) and isinstance(configuration.get("image_name"), str):
        configuration["image_name"] = "tiny"
    source = body.get("source")
    if isinstance(source, dict) and isinstance(source.get("image_ref"), str):
        source["image_ref"] = "127.0.0.1:9/nothing:1"


def use_real_command(case, body):
    """A program that the guest has; with input that stays open it would wait for ever, as it should."""
    command = body["command"]
    if isinstance(command, list) and command and all(isinstance(word, str) for word in command):
        body["command"] = COMMANDS[CALLS[(case.method, case.path)] % len(COMMANDS)]
    # Made up, it is the same in most requests, and taken after the first.
    if is_uuid(body.get("exec_id")):
        body["exec_id"] = str(uuid.uuid4())
    seconds = body.get("timeout_secs")
    if seconds is None or type(seconds) is int and (seconds == 0 or seconds > TIMEOUT_SECONDS):
        body["timeout_secs"] = TIMEOUT_SECONDS
    if body.get("working_dir"):
        body["working_dir"] = "/tmp" if isinstance(body["working_dir"], str) else body["working_dir"]


@schemathesis.hook
def before_call(context, case, kwargs):
    spared = is_spared(case)
    use_real_path(case, spared)
    # A made-up name says nothing of what it names: most requests go without.
    if isinstance(case.headers, dict) and not spared:
        case.headers.pop("X-Idempotency-Key", None)
    if isinstance(case.query, dict):
        count = case.query.get("count")
        if str(count).isdigit() and 2 < int(count) <= 1000:
            case.query["count"] = 2
        if not spared and is_uuid(case.query.get("org_id")):
            case.query["org_id"] = WORLD.organisation_id
    if isinstance(case.body, dict):
        bound_sizes(case.body)
        if not spared:
            use_real_values(case, case.body)


@schemathesis.hook
def after_call(context, case, response):
    operation = f"{case.operation.method.upper()} {case.path}"
    REACHED.setdefault(operation, {})
    if case.method == case.operation.method.upper():
        statuses = REACHED[operation]
        statuses[response.status_code] = statuses.get(response.status_code, 0) + 1
    if response.status_code != 201 or case.method != "POST":
        return
    made = response.json()
    for vm in made.get("vms", [made]):
        if "vm_id" in vm:
            WORLD.request("DELETE", f"/vm/{vm['vm_id']}", params={"recursive": "true"})


@atexit.register
def write_reached():
    if "VERS_CONTRACT_REACHED" in os.environ:
        with open(os.environ["VERS_CONTRACT_REACHED"], "w") as file:
            json.dump(REACHED, file, indent=1)
