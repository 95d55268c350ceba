"""The blocklist: which entries are valid, who manages it, and which recent comments an entry matches."""

import datetime as dt
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from comments import normalisation
from comments.models import Block, Comment
from comments.models import CommentStatus as Status
from comments.rules import blocklist
from comments.rules.blocklist import count_recent_matches, matches, matching
from tests.factories import CommentFactory, UserFactory

pytestmark = pytest.mark.django_db


def block(text: str, kind: str = "word") -> Block:
    return Block(text=text, kind=kind)


class TestEntries:
    @pytest.mark.parametrize(
        ("kind", "text"), [("word", "…!"), ("name", "-"), ("email", "example.org"), ("host", "example"), ("host", " ")]
    )
    def test_text_that_cannot_be_searched_for_is_refused_with_an_explanation(self, kind: str, text: str) -> None:
        with pytest.raises(ValidationError) as error:
            block(text, kind).full_clean()
        assert "It should look like" in str(error.value) or "no letters or digits" in str(error.value)

    def test_text_that_is_too_long_after_normalisation_is_refused(self) -> None:
        with pytest.raises(ValidationError, match="too long"):
            block("\ufdfa" * 200).full_clean()

    def test_text_that_differs_only_in_case_and_accents_is_a_duplicate(self) -> None:
        block("Café").save()
        with pytest.raises(ValidationError, match="already blocked"):
            block("CAFE").full_clean()
        with pytest.raises(IntegrityError), transaction.atomic():
            block("CAFE").save()
        block("CAFE", "name").full_clean()

    @given(st.text(min_size=1, max_size=100), st.sampled_from(Block.Kind.values))
    def test_any_text_is_either_valid_or_a_validation_error(self, text: str, kind: str) -> None:
        entry = block(text, kind)
        try:
            entry.clean()
        except ValidationError:
            return
        assert 0 < len(entry.key) <= 600


class TestMatching:
    def test_the_query_finds_the_same_blocks_as_matching_each_of_them(self) -> None:
        entries = [
            *(block(text) for text in ("casino", "free spins", "赌场", "线", "ino", "казино", "x博彩")),
            *(block(text, "host") for text in ("bad.example", "example.net")),
            *(block(text, "name") for text in ("Ann", "An")),
            block("ann@bad.example", "email"),
        ]
        for entry in entries:
            entry.save()
        for values in (
            {"text": "CASINO, Free\nspins 在线赌场"},
            {"text": "X博彩 线上"},
            {"text": "Казино", "email": "ann@shop.bad.example"},
            {"name": "ANN", "website": "http://www.example.net/", "email": "ANN@bad.example"},
            {"text": "%_' OR 1=1 --"},
        ):
            comment = Comment(**values)
            assert matching(comment) == [entry for entry in entries if matches(entry, comment)]

    def test_long_texts_are_looked_up_in_batches(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(blocklist, "MAX_PARAMETERS", 2)
        entries = [block("线赌"), block("bad.example", "host"), block("場")]
        for entry in entries:
            entry.save()
        assert matching(Comment(text="在线赌場 bad.example")) == entries

    @pytest.mark.parametrize(("kind", "text"), [("email", "ann@example.org"), ("name", "Ann"), ("word", "lamp")])
    def test_hosts_are_looked_for_only_if_hosts_are_blocked(
        self, kind: str, text: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Finding them takes most of the time."""
        entry = block(text, kind)
        entry.clean()
        monkeypatch.delattr(normalisation, "hosts")
        assert matches(entry, Comment(name="Ann", email="ann@example.org", text="A lamp."))


class TestRecentMatches:
    def test_they_are_counted_by_status(self) -> None:
        now = timezone.now()
        for text, status, days in (
            ("A casino", "approved", 1),
            ("Casino!", "spam", 2),
            ("casinò", "spam", 89),
            ("casino", "spam", 91),
            ("other", "spam", 1),
        ):
            CommentFactory.create(text=text, status=status, created_at=now - dt.timedelta(days=days))
        with CaptureQueriesContext(connection) as seen:
            matches = count_recent_matches(block("CASINO"))
        assert matches == {Status.APPROVED: 1, Status.SPAM: 2}
        assert len(seen) == 1

    def test_an_empty_block_is_an_error(self) -> None:
        with pytest.raises(ValidationError):
            count_recent_matches(block("!"))


class TestAdmin:
    @pytest.mark.parametrize(("role", "may"), [("Moderator", True), ("Editor", True), ("Author", False)])
    def test_moderators_manage_the_blocklist(self, role: str, may: bool, client: Client) -> None:
        moderator = UserFactory.create(role=role)
        client.force_login(moderator)
        data = {"kind": "word", "text": "Casino", "verdict": "spam"}
        added = client.post(reverse("admin:comments_block_add"), data)
        assert (added.status_code == 302) is may
        assert Block.objects.count() == int(may)
        if may:
            entry = Block.objects.get()
            listing: Any = client.get(reverse("admin:comments_block_changelist"))
            assert b"It matches 0 comments" in listing.content
            assert (entry.key, entry.verdict, entry.added_by) == (" casino ", "spam", moderator)
            client.post(reverse("admin:comments_block_change", args=[entry.pk]), {**data, "text": "Lottery"})
            entry.refresh_from_db()
            assert entry.key == " lottery "
            client.post(reverse("admin:comments_block_delete", args=[entry.pk]), {"post": "yes"})
            assert not Block.objects.exists()

    def test_errors_are_shown_at_the_field(self, client: Client) -> None:
        client.force_login(UserFactory.create(role="Moderator"))
        block("casino").save()
        for text, error in (("CASINO", "This is already blocked."), ("!", "This contains no letters or digits.")):
            data = {"kind": "word", "text": text, "verdict": "spam"}
            response = client.post(reverse("admin:comments_block_add"), data)
            assert response.status_code == 200
            assert error in response.content.decode()
