"""The preview beside the editor: what the site would show, for those who write."""

import pytest
from django.test import Client
from django.urls import reverse

from blog.rendering import MORE_PLACEHOLDER, render
from tests.blog.desk import at_desk, person
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

PREVIEW = "/admin/markdownx/preview/"


@pytest.fixture
def desk() -> Client:
    return at_desk(UserFactory(role="Editor"))


class TestWhoMayPreview:
    def test_address_is_the_one_that_the_editor_knows(self) -> None:
        assert reverse("markdownx_markdownify") == PREVIEW

    @pytest.mark.parametrize(
        ("role", "status"),
        [("nobody", 403), ("staff", 403), ("Author", 200), ("Editor", 200), ("Moderator", 403), ("superuser", 200)],
    )
    def test_roles(self, role: str, status: int) -> None:
        response = at_desk(person(role)).post(PREVIEW, {"content": "*words*"})
        assert response.status_code == status
        assert ("<em>words</em>" in response.content.decode()) == (status == 200)

    @pytest.mark.parametrize("method", ["get", "head", "put", "delete"])
    def test_only_post(self, desk: Client, method: str) -> None:
        assert getattr(desk, method)(PREVIEW).status_code == 405

    def test_other_sites_cannot_ask_for_it(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(UserFactory(role="Editor"))
        assert client.post(PREVIEW, {"content": "x"}).status_code == 403


class TestWhatItShows:
    @pytest.mark.parametrize(
        "source", ["*words*", "# Heading\n\n- one\n- two", "<script>alert(1)</script>[x](javascript:alert(1))", ""]
    )
    @pytest.mark.parametrize("markup", ["markdown", "html"])
    def test_what_the_site_would_show(self, desk: Client, source: str, markup: str) -> None:
        response = desk.post(f"{PREVIEW}?markup={markup}", {"content": source})
        assert response.content.decode() == render(source, markup).body_html
        assert "<script" not in response.content.decode()

    def test_markdown_unless_another_is_named(self, desk: Client) -> None:
        assert "<em>" in desk.post(PREVIEW, {"content": "*words*"}).content.decode()
        assert "<em>" not in desk.post(f"{PREVIEW}?markup=html", {"content": "*words*"}).content.decode()

    def test_where_lists_end(self, desk: Client) -> None:
        shown = desk.post(PREVIEW, {"content": "lead\n\n<!--more-->\n\nrest"}).content.decode()
        assert '<span class="more-mark">Lists of posts end here</span>' in shown
        assert MORE_PLACEHOLDER not in shown


class TestWhatItRefuses:
    @pytest.mark.parametrize(
        ("path", "sent", "sentence"),
        [
            (PREVIEW, {}, "There is no text to show."),
            (PREVIEW, {"content": "x" * 500_001}, "This text is too long"),
            (f"{PREVIEW}?markup=nonsense", {"content": "x"}, "does not know the way this text is written"),
            (f"{PREVIEW}?markup=", {"content": "x"}, "does not know the way this text is written"),
        ],
    )
    def test_one_sentence_says_why(self, desk: Client, path: str, sent: dict[str, str], sentence: str) -> None:
        response = desk.post(path, sent)
        assert response.status_code == 400
        assert sentence in response.content.decode()
