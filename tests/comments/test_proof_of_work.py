"""Proof of work: our own tasks alone, solved, in time, once. Without it a comment waits, and nothing is lost."""

import base64
import datetime as dt
import hashlib
import json
from pathlib import Path
from typing import Any

import altcha
import pytest
from django.conf import settings as project
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries, Settings

from blog.models import Post
from comments.models import Comment, CommentPolicy, CommentSettings, SpentChallenge
from comments.rules import proof_of_work
from tests.factories import PostFactory, UserFactory
from tests.factories.responses import find, read
from tests.factories.types import AtOnce


@pytest.fixture(autouse=True)
def _little_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof_of_work, "COST", 1)


def answer(challenge: dict[str, Any] | None = None) -> str:
    """What a browser sends."""
    task = altcha.Challenge.from_dict(challenge or proof_of_work.challenge())
    solution = altcha.solve_challenge(task)
    assert solution is not None
    return altcha.Payload(task, solution).to_base64()


def changed(answer: str, part: str, **values: Any) -> str:
    payload = json.loads(base64.b64decode(answer))
    target = payload["solution"] if part == "solution" else payload["challenge"]["parameters"]
    target.update(values)
    return base64.b64encode(json.dumps(payload).encode()).decode()


class TestSolving:
    def test_a_solution_names_its_task(self) -> None:
        challenge = proof_of_work.challenge()
        assert proof_of_work.verify(answer(challenge)) == challenge["parameters"]["nonce"]

    def test_every_task_is_another(self) -> None:
        assert proof_of_work.challenge()["parameters"]["nonce"] != proof_of_work.challenge()["parameters"]["nonce"]

    @pytest.mark.parametrize(
        ("part", "values"),
        [
            ("solution", {"counter": 10**6}),
            ("solution", {"derivedKey": "00" * 32}),
            ("parameters", {"keyPrefix": ""}),
            ("parameters", {"cost": 10**9}),
            ("parameters", {"expiresAt": 9_999_999_999}),
            ("parameters", {"algorithm": "SHA-256"}),
        ],
    )
    def test_what_was_tampered_with_is_none(self, part: str, values: dict[str, Any]) -> None:
        assert proof_of_work.verify(changed(answer(), part, **values)) == ""

    def test_nor_is_a_task_of_somebody_else(self, settings: Settings) -> None:
        theirs = answer()
        settings.SECRET_KEY = "another"
        assert proof_of_work.verify(theirs) == ""

    def test_nor_one_that_is_too_old(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(proof_of_work, "VALID_FOR", dt.timedelta(seconds=-1))
        assert proof_of_work.verify(answer()) == ""

    @given(
        st.one_of(
            st.text(max_size=200),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
                lambda inner: (
                    st.lists(inner, max_size=3)
                    | st.dictionaries(
                        st.sampled_from(["challenge", "solution", "parameters", "nonce", "salt", "counter"]), inner
                    )
                ),
            ).map(lambda data: base64.b64encode(json.dumps(data).encode()).decode()),
        )
    )
    def test_whatever_is_sent_instead_is_no_error(self, sent: str) -> None:
        assert proof_of_work.verify(sent) == ""

    def test_what_is_too_long_is_not_even_read(self) -> None:
        assert proof_of_work.verify("A" * 10**6) == ""


@pytest.mark.django_db
class TestSpending:
    def test_it_counts_once(self) -> None:
        assert [proof_of_work.spend("a"), proof_of_work.spend("a"), proof_of_work.spend("b")] == [True, False, True]

    def test_it_is_forgotten_when_it_could_not_be_used_any_more(self) -> None:
        proof_of_work.spend("a")
        assert proof_of_work.delete_expired() == 0
        SpentChallenge.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
        assert proof_of_work.delete_expired() == 1


@pytest.mark.django_db(transaction=True)
def test_several_at_once_spend_it_once(at_once: AtOnce) -> None:
    seen: list[bool] = []
    at_once(*[lambda: seen.append(proof_of_work.spend("a"))] * 4)
    assert sorted(seen) == [False, False, False, True]


@pytest.mark.django_db
class TestTheAddressOfTasks:
    def test_it_works_from_any_cached_page(
        self, client: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        # The site's row, as for every address.
        with django_assert_num_queries(1):
            response = client.get(reverse("comments:challenge"))
        assert response["Cache-Control"] == "no-store"
        assert not response.cookies
        assert proof_of_work.verify(answer(response.json()))
        assert client.post(reverse("comments:challenge")).status_code == 405


@pytest.mark.django_db
class TestTheForm:
    @pytest.fixture(autouse=True)
    def _everybody_passes(self) -> None:
        CommentSettings.objects.update(comment_policy=CommentPolicy.OPEN)

    def send(self, client: Client, post: Post, text: str, **more: str) -> Comment:
        words = {"name": text, "email": "ann@example.org", "text": text, **more}
        assert client.post(reverse("comments:add", args=["post", post.pk]), words).status_code == 302
        return Comment.objects.latest("pk")

    def test_with_it_a_comment_passes_and_without_it_it_waits(self, client: Client) -> None:
        post = PostFactory.create()
        assert self.send(client, post, "One", altcha=answer()).status == "approved"
        assert self.send(client, post, "Two").status == "pending"
        assert self.send(client, post, "Three", altcha="nonsense").status == "pending"

    def test_a_second_comment_needs_a_second_one(self, client: Client) -> None:
        post, used = PostFactory.create(), answer()
        assert self.send(client, post, "One", altcha=used).status == "approved"
        assert self.send(client, post, "Two", altcha=used).status == "pending"

    def test_it_asks_for_it_unless_it_is_switched_off_or_somebody_is_known(self, client: Client) -> None:
        post = PostFactory.create()
        (field,) = find(read(client.get(post.get_absolute_url())), "input[name=altcha]")
        assert field.get("data-challenge") == reverse("comments:challenge")
        CommentSettings.current().save()
        CommentSettings.objects.update(proof_of_work=False)
        assert find(read(client.get(post.get_absolute_url() + "?x=1")), "input[name=altcha]") == []
        CommentSettings.objects.update(proof_of_work=True)
        client.force_login(UserFactory.create())
        assert find(read(client.get(post.get_absolute_url())), "input[name=altcha]") == []


def test_what_is_of_others_is_as_they_published_it() -> None:
    folder = Path(project.BASE_DIR) / "static" / "vendor" / "altcha"
    sums = (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    assert {line.split()[1] for line in sums} == {path.name for path in folder.iterdir()} - {"SHA256SUMS", "README.md"}
    for line in sums:
        digest, name = line.split()
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
