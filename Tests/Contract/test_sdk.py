"""All methods of the SDK together."""

import pytest

import sdk
from conftest import TESTED


@pytest.mark.parametrize("kind", ["happy", "failing"])
def test_every_method_is_tested(request, kind):
    if request.config.invocation_params.args and any(not a.startswith("-") for a in request.config.invocation_params.args):
        pytest.skip("only some of the tests run")
    assert sorted(TESTED[kind]) == sdk.METHODS


@pytest.mark.parametrize("method", sdk.METHODS)
def test_a_wrong_key_is_refused_in_json(method):
    operation = sdk.OPERATIONS.get(method)
    if operation is None:
        error = sdk.failure(method, *sdk.made_up_arguments(method))
        assert (error.status, error.body["code"]) in [(404, "not_found"), (405, "method_not_allowed")]
    elif operation["security"]:
        error = sdk.failure(method, *sdk.made_up_arguments(method), key="wrong")
        assert (error.status, error.body["code"], error.body["success"]) == (401, "unauthenticated", False)
        assert error.headers["www-authenticate"].startswith("Bearer")
    else:
        assert "401" not in operation["responses"]
