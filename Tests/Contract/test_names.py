"""Tags, repositories, variables and DNS names."""

import pytest
from vers_sdk import models

import sdk


@pytest.mark.happy("create_tag", "get_tag", "list_tags", "update_tag", "delete_tag")
def test_a_tag_comes_and_goes(commit, name):
    made = sdk.call("create_tag", {"tag_name": name, "commit_id": commit, "description": "first"})
    tag = sdk.call("get_tag", name)
    assert (tag["tag_id"], tag["commit_id"], tag["description"]) == (made["tag_id"], commit, "first")
    assert name in [one["tag_name"] for one in sdk.call("list_tags")["tags"]]
    assert sdk.call("update_tag", name, {"description": None}) == {}
    assert sdk.call("get_tag", name)["description"] is None
    assert sdk.call("delete_tag", name) == {}
    assert sdk.failure("get_tag", name).status == 404


@pytest.mark.failing("create_tag", "get_tag", "update_tag", "delete_tag", "list_tags")
def test_tags_that_cannot_be_are_refused(commit, name, unknown):
    body = {"tag_name": name, "commit_id": commit}
    assert sdk.failure("create_tag", {**body, "commit_id": unknown}).status == 404
    assert sdk.failure("create_tag", {**body, "tag_name": "not a name"}).status == 400
    assert sdk.failure("create_tag", {}).status == 422
    for method, arguments in [("get_tag", []), ("delete_tag", []), ("update_tag", [{"description": "a"}])]:
        assert sdk.failure(method, name, *arguments).status == 404
    sdk.call("create_tag", body)
    assert sdk.failure("create_tag", body).status == 409
    assert sdk.failure("update_tag", name, {}).status == 400
    sdk.call("delete_tag", name)
    assert sdk.failure("list_tags", key="wrong").status == 401


@pytest.mark.happy(
    "create_repository",
    "get_repository",
    "list_repositories",
    "delete_repository",
    "create_repo_tag",
    "get_repo_tag",
    "list_repo_tags",
    "update_repo_tag",
    "delete_repo_tag",
)
def test_a_repository_comes_and_goes(commit, name):
    made = sdk.call("create_repository", {"name": name, "description": "of the tests"})
    assert sdk.call("get_repository", name)["repo_id"] == made["repo_id"]
    assert name in [one["name"] for one in sdk.call("list_repositories")["repositories"]]
    assert sdk.call("create_repo_tag", name, {"tag_name": "v1", "commit_id": commit})["reference"] == f"{name}:v1"
    assert sdk.call("update_repo_tag", name, "v1", {"description": "first"}) == {}
    assert sdk.call("get_repo_tag", name, "v1")["description"] == "first"
    assert [one["tag_name"] for one in sdk.call("list_repo_tags", name)["tags"]] == ["v1"]
    assert sdk.call("delete_repo_tag", name, "v1") == {}
    assert sdk.call("delete_repository", name) == {}
    assert sdk.failure("get_repository", name).status == 404


@pytest.mark.happy(
    "set_repository_visibility",
    "list_public_repositories",
    "get_public_repository",
    "list_public_repo_tags",
    "get_public_repo_tag",
    "fork_repository",
)
def test_a_repository_is_shown_and_forked(commit, name):
    sdk.call("create_repository", {"name": name})
    sdk.call("create_repo_tag", name, {"tag_name": "v1", "commit_id": commit})
    assert sdk.call("set_repository_visibility", name, {"is_public": True}) == {}
    listed = {one["name"]: one for one in sdk.call("list_public_repositories")["repositories"]}
    organisation = listed[name]["org_name"]
    # No key is needed for what is public.
    assert sdk.call("get_public_repository", organisation, name, key=None)["full_name"] == f"{organisation}/{name}"
    assert [one["tag_name"] for one in sdk.call("list_public_repo_tags", organisation, name)["tags"]] == ["v1"]
    assert sdk.call("get_public_repo_tag", organisation, name, "v1")["commit_id"] == commit
    source = {"source_org": organisation, "source_repo": name, "source_tag": "v1"}
    fork = sdk.call("fork_repository", {**source, "repo_name": name + "-fork"})
    assert fork["reference"] == f"{name}-fork:v1"
    assert sdk.call("vm_status", fork["vm_id"])["state"] == "running"
    assert sdk.failure("fork_repository", {**source, "repo_name": name + "-fork"}).status == 409
    sdk.call("delete_vm", fork["vm_id"])
    sdk.call("set_repository_visibility", name, {"is_public": False})
    assert sdk.failure("get_public_repository", organisation, name).status == 404


@pytest.mark.failing(
    "get_repository",
    "delete_repository",
    "list_repo_tags",
    "set_repository_visibility",
    "create_repo_tag",
    "get_repo_tag",
    "delete_repo_tag",
    "update_repo_tag",
    "get_public_repository",
    "list_public_repo_tags",
    "get_public_repo_tag",
    "fork_repository",
)
@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("get_repository", ["nothing"]),
        ("delete_repository", ["nothing"]),
        ("list_repo_tags", ["nothing"]),
        ("set_repository_visibility", ["nothing", {"is_public": True}]),
        ("get_repo_tag", ["nothing", "v1"]),
        ("delete_repo_tag", ["nothing", "v1"]),
        ("update_repo_tag", ["nothing", "v1", {"description": "a"}]),
        ("get_public_repository", ["nobody", "nothing"]),
        ("list_public_repo_tags", ["nobody", "nothing"]),
        ("get_public_repo_tag", ["nobody", "nothing", "v1"]),
        ("fork_repository", [{"source_org": "nobody", "source_repo": "nothing", "source_tag": "v1"}]),
    ],
)
def test_an_unknown_repository_is_not_found(method, arguments):
    error = sdk.failure(method, *arguments)
    assert (error.status, error.body["code"]) == (404, "not_found")


@pytest.mark.failing("create_repository", "create_repo_tag", "list_repositories")
def test_repositories_that_cannot_be_are_refused(commit, name):
    assert sdk.failure("create_repository", {"name": "not a name"}).status == 400
    assert sdk.failure("create_repo_tag", name, {"tag_name": "v1", "commit_id": commit}).status == 404
    sdk.call("create_repository", {"name": name})
    assert sdk.failure("create_repository", {"name": name}).status == 409
    sdk.call("delete_repository", name)
    assert sdk.failure("list_repositories", key="wrong").status == 401


@pytest.mark.failing("list_public_repositories")
def test_what_is_public_is_shown_without_a_valid_key():
    assert "repositories" in sdk.call("list_public_repositories", key="wrong")


@pytest.mark.happy("set_env_vars", "list_env_vars", "delete_env_var")
def test_variables_are_set_and_removed():
    assert sdk.call("set_env_vars", {"vars": {"CONTRACT_A": "1"}})["vars"]["CONTRACT_A"] == "1"
    sdk.call("set_env_vars", {"vars": {"CONTRACT_B": "2"}, "replace": True})
    assert sdk.call("list_env_vars")["vars"] == {"CONTRACT_B": "2"}
    assert sdk.call("delete_env_var", "CONTRACT_B") == {}
    assert sdk.call("list_env_vars")["vars"] == {}


@pytest.mark.failing("set_env_vars", "delete_env_var", "list_env_vars")
def test_variables_that_cannot_be_are_refused():
    assert sdk.failure("set_env_vars", {"vars": {"1A": "x"}}).status == 400
    assert sdk.failure("set_env_vars", {}).status == 422
    assert sdk.failure("delete_env_var", "NOTHING").status == 404
    assert sdk.failure("list_env_vars", key="wrong").status == 401


@pytest.mark.happy("create_domain", "get_domain", "list_domains", "delete_domain")
def test_a_dns_name_comes_and_goes(vm, name):
    made = sdk.call("create_domain", {"domain": f"{name}.example.com", "vm_id": vm})
    assert sdk.call("get_domain", made["domain_id"]) == made
    assert made in sdk.call("list_domains", models.ListDomainsParams(vm_id=vm))
    assert sdk.call("delete_domain", made["domain_id"])["domain_id"] == made["domain_id"]
    assert made not in sdk.call("list_domains")


@pytest.mark.failing("create_domain", "get_domain", "delete_domain", "list_domains")
def test_dns_names_that_cannot_be_are_refused(vm, name, unknown):
    body = {"domain": f"{name}.example.com", "vm_id": vm}
    assert sdk.failure("create_domain", {**body, "vm_id": unknown}).status == 404
    assert sdk.failure("create_domain", {**body, "domain": "not a name"}).status == 400
    assert sdk.failure("get_domain", unknown).status == 404
    assert sdk.failure("delete_domain", unknown).status == 404
    made = sdk.call("create_domain", body)
    assert sdk.failure("create_domain", body).status == 409
    sdk.call("delete_domain", made["domain_id"])
    assert sdk.failure("list_domains", models.ListDomainsParams(vm_id="no-uuid")).status == 400
