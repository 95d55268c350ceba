"""Proof of work: only our own challenges count, solved, in time and once. Without one a comment is held."""

import base64
import datetime as dt
import json
from typing import Any

import altcha
import pytest
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
def _low_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof_of_work, "COST", 1)


def solve(challenge: dict[str, Any] | None = None) -> str:
    """Return what a browser sends."""
    parsed = altcha.Challenge.from_dict(challenge or proof_of_work.challenge())
    solution = altcha.solve_challenge(parsed)
    assert solution is not None
    return altcha.Payload(parsed, solution).to_base64()


def tamper(solution: str, part: str, **values: Any) -> str:
    payload = json.loads(base64.b64decode(solution))
    target = payload["solution"] if part == "solution" else payload["challenge"]["parameters"]
    target.update(values)
    return base64.b64encode(json.dumps(payload).encode()).decode()


class TestSolving:
    def test_a_solution_has_the_nonce_of_its_challenge(self) -> None:
        challenge = proof_of_work.challenge()
        assert proof_of_work.verify(solve(challenge)) == challenge["parameters"]["nonce"]

    def test_every_challenge_is_different(self) -> None:
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
    def test_tampered_solutions_are_rejected(self, part: str, values: dict[str, Any]) -> None:
        assert proof_of_work.verify(tamper(solve(), part, **values)) == ""

    def test_challenges_of_other_sites_are_rejected(self, settings: Settings) -> None:
        solution_of_other_site = solve()
        settings.SECRET_KEY = "another"
        assert proof_of_work.verify(solution_of_other_site) == ""

    def test_expired_challenges_are_rejected(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(proof_of_work, "VALID_FOR", dt.timedelta(seconds=-1))
        assert proof_of_work.verify(solve()) == ""

    def test_challenges_from_before_the_clock_was_set_back_are_rejected(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(timezone, "now", lambda: dt.datetime.now(dt.UTC) + dt.timedelta(days=365))
            solution = solve()
        assert proof_of_work.verify(solution) == ""

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
    def test_any_other_input_is_rejected_without_an_error(self, sent: str) -> None:
        assert proof_of_work.verify(sent) == ""

    def test_input_that_is_too_long_is_rejected(self) -> None:
        assert proof_of_work.verify("A" * 10**6) == ""


@pytest.mark.django_db
class TestSpending:
    def test_it_works_once(self) -> None:
        assert [proof_of_work.spend("a"), proof_of_work.spend("a"), proof_of_work.spend("b")] == [True, False, True]

    def test_used_challenges_are_deleted_after_they_expire(self) -> None:
        proof_of_work.spend("a")
        assert proof_of_work.delete_expired() == 0
        SpentChallenge.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
        assert proof_of_work.delete_expired() == 1


@pytest.mark.django_db(transaction=True)
def test_concurrent_requests_spend_it_once(at_once: AtOnce) -> None:
    seen: list[bool] = []
    at_once(*[lambda: seen.append(proof_of_work.spend("a"))] * 4)
    assert sorted(seen) == [False, False, False, True]


@pytest.mark.django_db
class TestChallengeView:
    def test_it_works_on_cached_pages(self, client: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        with django_assert_num_queries(0):
            response = client.get(reverse("comments:challenge"))
        assert response["Cache-Control"] == "no-store"
        assert not response.cookies
        assert proof_of_work.verify(solve(response.json()))
        assert client.post(reverse("comments:challenge")).status_code == 405


@pytest.mark.django_db
class TestForm:
    @pytest.fixture(autouse=True)
    def _publish_immediately(self) -> None:
        CommentSettings.objects.update(comment_policy=CommentPolicy.OPEN)

    def send(self, client: Client, post: Post, text: str, **more: str) -> Comment:
        data = {"name": text, "email": "ann@example.org", "text": text, **more}
        assert client.post(reverse("comments:add", args=["post", post.pk]), data).status_code == 302
        return Comment.objects.latest("pk")

    def test_comments_pass_with_a_solution_and_are_held_without(self, client: Client) -> None:
        post = PostFactory.create()
        assert self.send(client, post, "One", altcha=solve()).status == "approved"
        assert self.send(client, post, "Two").status == "pending"
        assert self.send(client, post, "Three", altcha="nonsense").status == "pending"

    def test_each_comment_needs_its_own_solution(self, client: Client) -> None:
        post, used = PostFactory.create(), solve()
        assert self.send(client, post, "One", altcha=used).status == "approved"
        assert self.send(client, post, "Two", altcha=used).status == "pending"

    def test_it_has_a_challenge_unless_turned_off_or_logged_in(self, client: Client) -> None:
        post = PostFactory.create()
        (field,) = find(read(client.get(post.get_absolute_url())), "input[name=altcha]")
        assert field.get("data-challenge") == reverse("comments:challenge")
        CommentSettings.current().save()
        CommentSettings.objects.update(proof_of_work=False)
        assert find(read(client.get(post.get_absolute_url() + "?x=1")), "input[name=altcha]") == []
        CommentSettings.objects.update(proof_of_work=True)
        client.force_login(UserFactory.create())
        assert find(read(client.get(post.get_absolute_url())), "input[name=altcha]") == []
