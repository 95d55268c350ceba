"""Another site on this machine, which may be opened in these tests, unlike other private addresses."""

import datetime as dt

import pytest
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from comments.models import SentMention
from comments.webmentions import pages
from core.http import HTTPClient
from tests.factories.servers import StubServer
from tests.factories.types import PassTime


@pytest.fixture
def other_site(web_server: StubServer, monkeypatch: pytest.MonkeyPatch) -> StubServer:
    monkeypatch.setattr(
        pages, "CLIENT", HTTPClient(hosts=[web_server.host], allow_private=True, timeout=20, deadline=60)
    )
    return web_server


@pytest.fixture
def pass_time() -> PassTime:
    """Move the times of waiting rows into the past by this amount."""

    def pass_time(**duration: float) -> None:
        earlier = dt.timedelta(**duration)
        for task in DBTaskResult.objects.filter(status="READY", run_after__lt=timezone.now() + dt.timedelta(days=99)):
            DBTaskResult.objects.filter(pk=task.pk).update(run_after=task.run_after - earlier)
        for mention in SentMention.objects.exclude(not_before=None):
            planned = mention.not_before or timezone.now()
            SentMention.objects.filter(pk=mention.pk).update(not_before=planned - earlier)

    return pass_time
