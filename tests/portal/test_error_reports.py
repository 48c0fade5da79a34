"""A report of an error tells what was typed, and no secret."""

import pytest
from django.test import RequestFactory
from django.views.debug import get_exception_reporter_filter


def reported(**typed: str) -> dict[str, object]:
    request = RequestFactory().post("/", typed)
    return dict(get_exception_reporter_filter(request).get_post_parameters(request).items())


@pytest.mark.parametrize(
    "field", ["password", "old_password", "new_password_again", "step_up_proof", "step_up_passkey", "code"]
)
def test_what_is_secret_is_hidden_in_whatever_view(field):
    assert "canary" not in str(reported(**{field: "canary"}))


def test_the_rest_is_told():
    assert reported(name="Anna")["name"] == "Anna"
