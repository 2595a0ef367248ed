"""Whom a key acts for, and the server itself."""

import pytest

import sdk


@pytest.mark.happy("version_handler")
def test_the_version_needs_no_key():
    assert sdk.call("version_handler", key=None)["workspace_version"]


@pytest.mark.failing("version_handler")
def test_the_version_does_not_look_at_keys():
    assert sdk.call("version_handler", key="wrong")["executable_name"]


@pytest.mark.happy("validate_key", "whoami_handler")
def test_a_key_says_whom_it_acts_for():
    assert sdk.call("validate_key")["valid"] is True
    whoami = sdk.call("whoami_handler")
    assert sdk.KEY.startswith(whoami["api_key"]["id"])


@pytest.mark.failing("validate_key", "whoami_handler")
def test_a_wrong_key_is_refused():
    assert sdk.failure("validate_key", key="wrong").status == 401
    assert sdk.failure("whoami_handler", key="wrong").status == 401


@pytest.mark.happy("deploy_handler")
@pytest.mark.failing("deploy_handler")
def test_deploying_is_refused_where_nothing_is_configured():
    assert sdk.failure("deploy_handler", {"repo": "owner/repo"}).status in (400, 501)
