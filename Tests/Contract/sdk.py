"""The public Python SDK, called one method at a time, with its answers held against the SDK's own models."""

import asyncio
import dataclasses
import enum
import inspect
import os
import types
import typing
import uuid

import httpx
import vers_sdk.models
from vers_sdk.client import VersSdkClient
from vers_sdk.errors import APIError

URL = os.environ["VERS_CONTRACT_URL"]
KEY = os.environ["VERS_CONTRACT_KEY"]

#: Every method that asks the server for something.
METHODS = sorted(
    name
    for name, method in inspect.getmembers(VersSdkClient, inspect.iscoroutinefunction)
    if not name.startswith("_") and name != "close"
)


def call(method, *arguments, key=KEY, **named):
    """What the method returns, once it was found to be what the SDK promises. Failures are not sent again."""

    async def ask():
        async with VersSdkClient(base_url=URL, api_key=key, max_retries=0, timeout=120) as client:
            return await getattr(client, method)(*arguments, **named)

    answer = asyncio.run(ask())
    promise = inspect.signature(getattr(VersSdkClient, method)).return_annotation
    problems = list(differences(answer, promise, method))
    assert not problems, problems
    return answer


def differences(value, promise, path):
    """Where a value is not what the SDK's type says."""
    if promise is typing.Any:
        return
    origin, arguments = typing.get_origin(promise), typing.get_args(promise)
    if origin in (typing.Union, types.UnionType):
        if not any(not list(differences(value, one, path)) for one in arguments):
            yield f"{path}: {value!r} is none of {arguments}"
    elif origin is list:
        if not isinstance(value, list):
            yield f"{path}: {value!r} is no list"
            return
        for index, element in enumerate(value):
            yield from differences(element, arguments[0], f"{path}[{index}]")
    elif origin is dict:
        if not isinstance(value, dict):
            yield f"{path}: {value!r} is no object"
    elif dataclasses.is_dataclass(promise):
        hints = typing.get_type_hints(promise, vars(vers_sdk.models))
        for field in dataclasses.fields(promise):
            if not isinstance(value, dict):
                yield f"{path}: {value!r} is no object"
                return
            if field.name in value:
                yield from differences(value[field.name], hints[field.name], f"{path}.{field.name}")
            elif field.default is dataclasses.MISSING:
                yield f"{path}: {field.name} is missing"
    elif isinstance(promise, type) and issubclass(promise, enum.Enum):
        if value not in [one.value for one in promise]:
            yield f"{path}: {value!r} is no {promise.__name__}"
    elif promise is int:
        if type(value) is not int:
            yield f"{path}: {value!r} is no integer"
    elif not isinstance(value, promise):
        yield f"{path}: {value!r} is no {promise.__name__}"


def failure(method, *arguments, **named):
    """The error that the method raises."""
    try:
        answer = call(method, *arguments, **named)
    except APIError as error:
        return error
    raise AssertionError(f"{method} answered {answer!r}, expected an error")


def made_up_arguments(method):
    """Arguments of the right form that name nothing."""
    values = {"body": {}, "key": "NOTHING"}
    signature = inspect.signature(getattr(VersSdkClient, method))
    return [
        values.get(name, str(uuid.uuid4()) if name.endswith("_id") else "nothing")
        for name, parameter in signature.parameters.items()
        if name != "self" and parameter.default is inspect.Parameter.empty
    ]


_document = httpx.get(URL + "/openapi.json").raise_for_status().json()

#: Operations that the server has, by the SDK's names.
OPERATIONS = {
    operation["operationId"]: operation for methods in _document["paths"].values() for operation in methods.values()
}
