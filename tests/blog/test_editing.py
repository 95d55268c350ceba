"""The live preview in the editor."""

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse

from blog.models import Post
from blog.rendering import MORE_PLACEHOLDER, PAGE_BREAK, render
from tests.factories import PostFactory, UserFactory
from tests.factories.admin import client_of, user_in_role

pytestmark = pytest.mark.django_db

PREVIEW = "/admin/markdownx/preview/"


@pytest.fixture
def editor() -> Client:
    return client_of(UserFactory(role="Editor"))


class TestPermissions:
    def test_its_url_is_the_one_that_markdownx_uses(self) -> None:
        assert reverse("markdownx_markdownify") == PREVIEW

    @pytest.mark.parametrize(
        ("role", "status"),
        [("anonymous", 403), ("staff", 403), ("Author", 200), ("Editor", 200), ("Moderator", 403), ("superuser", 200)],
    )
    def test_only_users_who_may_write_see_a_preview(self, role: str, status: int) -> None:
        response = client_of(user_in_role(role)).post(PREVIEW, {"content": "*text*"})
        assert response.status_code == status
        assert ("<em>text</em>" in response.content.decode()) == (status == 200)

    @pytest.mark.parametrize(
        ("role", "own", "others"), [("Author", 200, 403), ("Editor", 200, 200), ("Moderator", 403, 403)]
    )
    def test_an_entry_is_previewed_by_users_who_may_change_it(self, role: str, own: int, others: int) -> None:
        user = user_in_role(role)
        drafts = [PostFactory(author=user, status="draft"), PostFactory(status="draft")]
        responses = [client_of(user).post(f"{PREVIEW}?entry={draft.pk}", {"content": "x"}) for draft in drafts]
        assert [response.status_code for response in responses] == [own, others]

    @pytest.mark.parametrize("entry", ["0", "x", "9" * 30, "-1"])
    def test_an_entry_that_does_not_exist_is_refused(self, editor: Client, entry: str) -> None:
        assert editor.post(f"{PREVIEW}?entry={entry}", {"content": "x"}).status_code == 403

    @pytest.mark.parametrize("method", ["get", "head", "put", "delete"])
    def test_only_accepts_post_requests(self, editor: Client, method: str) -> None:
        assert getattr(editor, method)(PREVIEW).status_code == 405

    def test_other_sites_cannot_request_it(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(UserFactory(role="Editor"))
        assert client.post(PREVIEW, {"content": "x"}).status_code == 403


class TestPreview:
    @pytest.mark.parametrize(
        "source", ["*text*", "# Heading\n\n- one\n- two", "<script>alert(1)</script>[x](javascript:alert(1))", ""]
    )
    @pytest.mark.parametrize("markup", ["markdown", "html"])
    def test_shows_what_the_site_will_show(self, editor: Client, source: str, markup: str) -> None:
        response = editor.post(f"{PREVIEW}?markup={markup}", {"content": source})
        assert response.content.decode() == Post().for_readers(render(source, markup).body_html)
        assert "<script" not in response.content.decode()

    def test_renders_markdown_unless_the_url_names_another_markup(self, editor: Client) -> None:
        assert "<em>" in editor.post(PREVIEW, {"content": "*text*"}).content.decode()
        assert "<em>" not in editor.post(f"{PREVIEW}?markup=html", {"content": "*text*"}).content.decode()

    def test_blocks_have_their_own_direction_unless_a_language_is_chosen(self, editor: Client) -> None:
        assert editor.post(PREVIEW, {"content": "text"}).content.decode() == '<p dir="auto">text</p>\n'
        assert editor.post(PREVIEW, {"content": "text", "language": "ar"}).content.decode() == "<p>text</p>\n"

    def test_relative_urls_are_relative_to_the_entry(self, editor: Client) -> None:
        post = PostFactory(
            slug="here", published_on=dt.date(2024, 3, 8), published_at=dt.datetime(2024, 3, 8, tzinfo=dt.UTC)
        )
        shown = editor.post(f"{PREVIEW}?entry={post.pk}", {"content": "[there](../there/)"}).content.decode()
        assert 'href="/2024/03/08/there/"' in shown

    def test_shows_the_more_marker(self, editor: Client) -> None:
        shown = editor.post(PREVIEW, {"content": "lead\n\n<!--more-->\n\nrest"}).content.decode()
        assert '<span class="preview-marker">Read more</span>' in shown
        assert MORE_PLACEHOLDER not in shown

    def test_shows_page_breaks(self, editor: Client) -> None:
        shown = editor.post(PREVIEW, {"content": "one\n\n<!--nextpage-->\n\ntwo"}).content.decode()
        assert '<span class="preview-marker">Page break</span>' in shown
        assert PAGE_BREAK not in shown


class TestErrors:
    @pytest.mark.parametrize(
        ("path", "data", "message"),
        [
            (PREVIEW, {}, "There is no text to preview."),
            (PREVIEW, {"content": "x" * 500_001}, "This text is too long"),
            (f"{PREVIEW}?markup=nonsense", {"content": "x"}, "in a format that this site"),
            (f"{PREVIEW}?markup=", {"content": "x"}, "in a format that this site"),
        ],
    )
    def test_the_response_explains_the_error(
        self, editor: Client, path: str, data: dict[str, str], message: str
    ) -> None:
        response = editor.post(path, data)
        assert response.status_code == 400
        assert message in response.content.decode()

    @pytest.mark.parametrize("pk", ["0", "x", "9" * 19, "9" * 5_000])
    def test_an_id_that_no_entry_has_is_refused(self, editor: Client, pk: str) -> None:
        response = editor.post(f"{PREVIEW}?entry={pk}", {"content": "x"})
        assert response.status_code == 403
        assert "permission to change this text" in response.content.decode()
