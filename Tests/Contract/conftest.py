"""What the SDK's tests share: VMs and commits of their own, and the rule for methods that the server has no route for."""

import uuid

import pytest

import sdk

TESTED = {"happy": set(), "failing": set()}


def pytest_configure(config):
    config.addinivalue_line("markers", "happy(method...): shows that these methods of the SDK work")
    config.addinivalue_line("markers", "failing(method...): shows how these methods of the SDK fail")


def pytest_collection_modifyitems(items):
    for item in items:
        for kind, methods in TESTED.items():
            for marker in item.iter_markers(kind):
                methods.update(marker.args)
                absent = [method for method in marker.args if method not in sdk.OPERATIONS]
                if absent:
                    item.add_marker(pytest.mark.skip(reason=f"the server has no {', '.join(absent)}"))


@pytest.fixture(scope="session")
def make_vm():
    """Starts small VMs; they go at the end."""
    made = []

    def make(**configuration):
        body = {"vm_config": {"image_name": "tiny", "mem_size_mib": 128, **configuration}}
        vm = sdk.call("create_new_root_vm", body, sdk.vers_sdk.models.CreateNewRootVmParams(wait_boot=True))["vm_id"]
        made.append(vm)
        return vm

    yield make
    for vm in made:
        sdk.httpx.delete(
            f"{sdk.URL}/api/v1/vm/{vm}?recursive=true", headers={"Authorization": f"Bearer {sdk.KEY}"}, timeout=60
        )


@pytest.fixture(scope="session")
def vm(make_vm):
    """A VM that runs, and that tests leave running."""
    return make_vm()


@pytest.fixture(scope="session")
def commit(vm):
    return sdk.call("commit_vm", vm, {"name": "contract", "description": "of the tests"})["commit_id"]


@pytest.fixture
def unknown():
    return str(uuid.uuid4())


@pytest.fixture
def name():
    return "t" + uuid.uuid4().hex[:12]
