"""The monitoring token is either unset or too long to guess."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.validation import monitoring_token


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_token_is_unset(value: str) -> None:
    assert monitoring_token(value) == ""


def test_a_long_token_is_accepted() -> None:
    assert monitoring_token(" 0123456789abcdefghij+/== ") == "0123456789abcdefghij+/=="


@pytest.mark.parametrize("value", ["short", "a token with spaces in it 0123456789", "0123456789abcdefghijklmnöp"])
def test_any_other_token_is_refused_but_not_repeated_in_the_error(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="MONITORING_TOKEN is not valid") as raised:
        monitoring_token(value)
    assert value not in str(raised.value)
