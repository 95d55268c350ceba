"""The privacy page says that readers are counted, if they are."""

import pytest
from django.test import Client

from readers.models import ReaderSettings
from tests.factories.responses import read, text

pytestmark = pytest.mark.django_db


def privacy_text(client: Client) -> str:
    return text(read(client.get("/privacy/")))


def test_without_counting_there_are_no_statistics(client: Client) -> None:
    assert "There are no cookies and no statistics" in privacy_text(client)
    assert "How often each page was read" not in privacy_text(client)


def test_counting_is_disclosed(client: Client) -> None:
    settings = ReaderSettings.current()
    settings.count_readers, settings.keep_months = True, 3
    settings.save()
    page = privacy_text(client)
    assert "no statistics" not in page
    assert "your IP address is neither stored nor logged" in page
    assert "How often each page was read each day" in page
    assert "Daily figures for 3 months" in page
