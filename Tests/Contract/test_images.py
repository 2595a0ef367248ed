"""Base images."""

import time

import pytest

import sdk


@pytest.mark.happy("list_images")
def test_installed_images_are_listed():
    assert "tiny" in [one["image_name"] for one in sdk.call("list_images")["images"]]


@pytest.mark.happy("create_image", "get_image_status", "delete_image")
def test_an_image_is_made_and_goes(name):
    """Of a registry where nothing answers, so that the test needs none: the image is made, fails, says why, and goes."""
    source = {"type": "docker", "image_ref": "127.0.0.1:9/nothing:1"}
    job = sdk.call("create_image", {"image_name": name, "source": source})
    assert job["image_name"] == name
    deadline = time.monotonic() + 60
    while (status := sdk.call("get_image_status", name))["status"] != "failed":
        assert time.monotonic() < deadline, status
        time.sleep(0.2)
    assert status["error_message"]
    assert sdk.call("delete_image", job["job_id"])["deleted"] is True
    assert sdk.failure("get_image_status", name).status == 404


@pytest.mark.happy("upload_image")
@pytest.mark.failing("upload_image")
def test_the_sdk_cannot_upload(name):
    """It sends JSON for an archive, and has no way to give `image_name`, which the API takes from the query."""
    error = sdk.failure("upload_image", {"image_name": name})
    assert (error.status, error.body["code"]) == (400, "invalid_argument")
    assert "image_name" in error.error_message


@pytest.mark.failing("create_image", "get_image_status", "delete_image", "list_images")
def test_images_that_cannot_be_are_refused(name, unknown):
    assert sdk.failure("create_image", {}).status == 422
    s3 = {"image_name": name, "source": {"type": "s3", "bucket": "b", "key": "k"}}
    assert sdk.failure("create_image", s3).status == 501
    assert sdk.failure("get_image_status", name).status == 404
    assert sdk.failure("delete_image", unknown).status == 404
    assert sdk.failure("list_images", key="wrong").status == 401
