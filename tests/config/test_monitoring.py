"""The token of monitoring is one that nobody can guess, or there is none."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.monitoring import monitoring_token


@pytest.mark.parametrize("value", ["", "  "])
def test_without_one_there_is_none(value: str) -> None:
    assert monitoring_token(value) == ""


def test_a_long_one_is_taken() -> None:
    assert monitoring_token(" 0123456789abcdefghij+/== ") == "0123456789abcdefghij+/=="


@pytest.mark.parametrize("value", ["short", "a token with spaces in it 0123456789", "0123456789abcdefghijklmnöp"])
def test_any_other_is_refused_without_being_repeated(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="MONITORING_TOKEN is not valid") as raised:
        monitoring_token(value)
    assert value not in str(raised.value)
