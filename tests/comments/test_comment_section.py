"""The comments below a post or page, and the comment link in a listing."""

from typing import Any
from unittest.mock import ANY

import pytest
from django.core.signing import TimestampSigner
from django.template import Context, Template
from django.test import Client, RequestFactory
from lxml import html
from pytest_django import DjangoAssertNumQueries

from blog.models import Page, Post, Status
from comments import sender_links
from comments.entry_link import comment_link
from comments.models import Comment, CommentSettings, CommentStatus
from comments.models import CommentKind as Kind
from comments.moderation.counting import recount
from comments.moderation.decisions import approve, mark_spam, trash
from core.models import SiteSettings
from tests.factories import CommentFactory, PageFactory, PostFactory, UserFactory
from tests.factories.responses import find, one, read, text

pytestmark = pytest.mark.django_db


def site_with(**settings: Any) -> SiteSettings:
    site = SiteSettings(pk=1)
    CommentSettings(site=site, **settings)
    return site


def section(entry: Post | Page, query: str = "", **settings: Any) -> html.HtmlElement:
    """Return what `{% comment_section entry %}` renders for an anonymous reader."""
    context = Context(
        {
            "request": RequestFactory().get("/" + query),
            "site": site_with(**settings),
            "entry": entry,
        }
    )
    return html.fragment_fromstring(
        Template("{% load comments %}{% comment_section entry %}").render(context), create_parent=True
    )


@pytest.fixture
def post() -> Any:
    return PostFactory.create(title="On “truth”")


def write(post: Post, **more: Any) -> Comment:
    return CommentFactory.create(entry=post, **more)


class TestHeading:
    def test_without_comments_there_is_no_heading_but_an_anchor(self, post: Post) -> None:
        page = section(post)
        assert find(page, "#responses") == []
        assert one(page, "#comments").tag == "div"

    @pytest.mark.parametrize(
        ("count", "heading"), [(1, "One Response to “On “truth””"), (3, "3 Responses to “On “truth””")]
    )
    def test_it_has_the_number_of_comments(self, count: int, heading: str, post: Post) -> None:
        for _ in range(count):
            write(post)
        assert text(one(section(post), "h2#responses")) == heading

    def test_titles_are_escaped(self) -> None:
        post = PostFactory.create(title="<i>{n}</i> & {0}")
        write(post)
        assert text(one(section(post), "#responses")) == "One Response to “<i>{n}</i> & {0}”"

    def test_it_counts_only_listed_comments(self, post: Post) -> None:
        write(post, kind=Kind.PINGBACK)
        write(post)
        assert "2 Responses" in text(section(post))
        assert "One Response" in text(section(post, show_pingbacks=False))


class TestList:
    def test_it_is_an_ordered_list_with_nested_replies(self, post: Post) -> None:
        first = write(post)
        reply = write(post, parent=first)
        page = section(post)
        assert one(
            page, f"ol#comments.comments > li#comment-{first.pk}.comment.odd > ol.replies > li.comment.even"
        ).get("id") == (f"comment-{reply.pk}")

    def test_each_comment_has_author_date_and_text(self, post: Post) -> None:
        comment = write(post, name="Zoë", text="Well\nsaid", created_at="2010-03-12T13:53:00Z")
        item = one(section(post), f"#comment-{comment.pk} article")
        assert text(one(item, ".comment-author")) == "Zoë Says:"
        link = one(item, ".comment-date a")
        assert text(link) == "March 12, 2010 at 1:53 pm"
        assert link.get("href") == f"{post.get_absolute_url()}#comment-{comment.pk}"
        assert html.tostring(one(item, ".comment-body > p"), encoding="unicode").strip() == (
            '<p dir="auto">Well<br>\nsaid</p>'
        )
        assert text(find(item, "p")[-1]) == "Reply"

    def test_the_reply_link_works_without_javascript(self, post: Post) -> None:
        comment = write(post, name="Zoë")
        link = one(section(post), ".comment-reply a")
        assert link.get("href") == f"{post.get_absolute_url()}?replytocom={comment.pk}#respond"
        assert link.get("aria-label") == "Reply to Zoë"
        assert link.get("rel") == "nofollow"

    def test_there_is_no_reply_link_if_comments_are_closed(self, post: Post) -> None:
        write(post)
        assert find(section(post, comments_open=False), ".comment-reply") == []

    def test_names_link_to_websites(self, post: Post) -> None:
        write(post, website="https://zoe.example/?a=1&b=2")
        link = one(section(post), ".comment-author a")
        assert link.get("href") == "https://zoe.example/?a=1&b=2"
        assert link.get("rel") == "nofollow ugc noopener external"

    @pytest.mark.parametrize(
        "website",
        [
            "",
            "javascript:alert(1)",
            "http://",
            "//evil.example",
            "mailto:a@b.example",
            "http://[a",
            "http://a.example:b/",
        ],
    )
    def test_names_link_only_to_web_urls(self, website: str, post: Post) -> None:
        write(post, website=website)
        assert find(section(post), ".comment-author a") == []

    @pytest.mark.parametrize(
        "website",
        [
            "http://rosa@example.org",
            "HTTPS://Rosa@Example.org/",
            "http://rosa%40example.org",
            "http://rosa\uff20example.org",
            "http:\\\\rosa@example.org",
            "https://user:password@other.example/",
            "https://example.org/?mail=rosa@example.org",
            "https://example.org/rosa%40Example.ORG",
        ],
    )
    def test_names_never_link_to_e_mail_addresses(self, website: str, post: Post) -> None:
        write(post, website=website, email="Rosa@example.org")
        assert find(section(post), ".comment-author a") == []

    @pytest.mark.parametrize(
        "website", ["https://social.example/@rosa", "https://a.example/?at=@", "http://example.org"]
    )
    def test_other_at_signs_do_not_matter(self, website: str, post: Post) -> None:
        write(post, website=website, email="rosa@example.org")
        assert one(section(post), ".comment-author a").get("href") == website

    def test_names_and_websites_are_escaped(self, post: Post) -> None:
        write(post, name='<script>alert("1")</script>', website='https://x.example/"><script>')
        assert [script for script in find(section(post), "script") if not script.get("src")] == []

    def test_comments_without_a_name_show_the_account_or_anonymous(self, post: Post) -> None:
        write(post, name="")
        write(post, name="", user=UserFactory.create(display_name="Bo"))
        names = [text(name) for name in find(section(post), ".comment-author")]
        assert names == ["Anonymous Says:", "Bo Says:"]

    def test_the_author_of_the_post_is_marked(self, post: Post) -> None:
        write(post, user=post.author)
        write(post)
        assert len(find(section(post), "li.by-post-author")) == 1

    def test_a_reply_next_to_its_parent_says_whom_it_replies_to(self, post: Post) -> None:
        comment = None
        for name in "ABCDEF":
            comment = write(post, parent=comment, name=name)
        link = one(section(post), ".comment-reply-to a")
        assert text(link) == "In reply to E"
        assert find(one(section(post), link.get("href")), ".comment-author")

    def test_email_addresses_are_never_shown(self, post: Post) -> None:
        write(post, email="secret@example.org")
        assert b"secret@" not in html.tostring(section(post))


class TestForm:
    def test_it_has_the_fields_of_the_original_site(self, post: Post) -> None:
        form = one(section(post), "form.comment-form")
        assert (form.get("method"), form.get("action")) == ("post", f"/comments/on/post/{post.pk}/#respond-result")
        assert [text(label) for label in find(form, "label")] == [
            "Name (required)",
            "E-mail (will not be published) (required)",
            "Website",
            "Comment",
            "Notify me of new comments by e-mail",
            "Leave this field empty",
        ]
        # The first button is the one that Enter presses.
        assert [text(button) for button in find(form, "button")] == ["Submit Comment", "Preview"]
        assert text(one(section(post), "section#respond > h2")) == "Leave a Reply"

    def test_every_label_belongs_to_a_field_and_fields_support_autocomplete(self, post: Post) -> None:
        form = one(section(post), "form.comment-form")
        fields = {label.get("for"): one(form, "#" + label.get("for")) for label in find(form, "label")}
        assert {
            field.get("name"): (
                field.tag,
                field.get("type"),
                field.get("autocomplete"),
                field.get("required") is not None,
            )
            for field in fields.values()
        } == {
            "name": ("input", "text", "name", True),
            "email": ("input", "email", "email", True),
            "website": ("input", "text", "url", False),
            "text": ("textarea", None, None, True),
            "follow": ("input", "checkbox", None, False),
            "subject": ("input", "text", "off", False),
        }

    def test_it_says_how_the_address_is_used(self, post: Post) -> None:
        page = section(post)
        described = one(page, "#" + one(page, "#respond-email").get("aria-describedby"))
        assert "never shown to anyone else" in text(described)

    def test_the_honeypot_is_hidden_and_cannot_be_focused(self, post: Post) -> None:
        trap = one(section(post), ".visually-away input")
        assert (trap.get("tabindex"), trap.get("autocomplete")) == ("-1", "off")

    def test_anonymous_readers_get_no_csrf_token(self, post: Post) -> None:
        assert find(section(post), "[name=csrfmiddlewaretoken]") == []

    def test_pages_have_their_own_form_url(self) -> None:
        page = PageFactory.create()
        assert one(section(page), "form.comment-form").get("action") == f"/comments/on/page/{page.pk}/#respond-result"

    def test_a_reply_form_names_the_author_and_can_be_cancelled(self, post: Post) -> None:
        comment = write(post, name="Zoë")
        page = section(post, f"?replytocom={comment.pk}")
        assert text(one(page, "#respond h2")) == "Leave a Reply to Zoë"
        assert one(page, ".cancel-reply a").get("href") == f"{post.get_absolute_url()}#respond"
        assert one(page, "input[name=parent]").get("value") == str(comment.pk)

    @pytest.mark.parametrize("pk", ["0", "-1", "x", "", "9" * 18, "9" * 5000, "١", "1 OR 1=1"])
    def test_invalid_reply_targets_give_the_plain_form(self, pk: str, post: Post) -> None:
        assert text(one(section(post, f"?replytocom={pk}"), "#respond h2")) == "Leave a Reply"

    @pytest.mark.parametrize("status", [CommentStatus.PENDING, CommentStatus.SPAM, CommentStatus.TRASH])
    def test_hidden_comments_cannot_be_replied_to(self, status: CommentStatus, post: Post) -> None:
        comment = write(post, status=status, name="Zoë")
        assert "Zoë" not in text(section(post, f"?replytocom={comment.pk}"))

    def test_comments_on_other_entries_cannot_be_replied_to(self, post: Post) -> None:
        assert text(one(section(post, f"?replytocom={CommentFactory.create().pk}"), "#respond h2")) == "Leave a Reply"

    @pytest.mark.parametrize("closed", [{"comments_open": False}, {"close_comments_after_days": 1}])
    def test_closed_comments_have_a_note_instead_of_the_form(self, closed: dict[str, Any], post: Post) -> None:
        respond = one(section(post, **closed), "section#respond")
        assert text(respond) == "Comments are closed."
        assert find(respond, "form") == []


class TestLoggedInUsers:
    def test_they_only_enter_the_text_and_can_log_out(self, client: Client, post: Post) -> None:
        client.force_login(UserFactory.create(display_name="Bo", role="Author"))
        page = read(client.get(post.get_absolute_url()))
        respond = one(page, "#respond")
        logout = one(respond, "form.logged-in")
        assert text(logout) == "Logged in as Bo. Logout »"
        assert (logout.get("method"), logout.get("action")) == ("post", "/admin/logout/")
        form = one(respond, "form.comment-form")
        assert [field.get("name") for field in form.xpath(".//input | .//textarea")] == ["csrfmiddlewaretoken", "text"]

    def test_logging_out_returns_to_the_post(self, post: Post) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(UserFactory.create(role="Author"))
        form = one(read(client.get(post.get_absolute_url())), "form.logged-in")
        response = client.post(form.get("action"), dict(form.form_values()))
        assert response["Location"] == post.get_absolute_url()
        assert "_auth_user_id" not in client.session


class TestUnapprovedComments:
    def test_the_author_sees_it_in_its_place(self, client: Client, post: Post) -> None:
        parent = write(post)
        comment = write(post, parent=parent, status=CommentStatus.PENDING, text="My own words")
        response = client.get(sender_links.view_url(comment))
        page = read(response)
        item = one(page, f"#comment-{parent.pk} .replies #comment-{comment.pk}.unapproved")
        assert text(one(item, ".comment-unapproved")) == "Your comment is awaiting moderation."
        assert text(one(item, ".comment-body")) == "My own words"
        assert find(item, ".comment-reply") == []
        assert text(one(page, "#responses")).startswith("One Response")
        assert response["Cache-Control"] == "private, no-store"

    def test_spam_looks_like_a_pending_comment(self, client: Client, post: Post) -> None:
        comment = write(post, status=CommentStatus.PENDING)
        pending = client.get(sender_links.view_url(comment)).content
        Comment.objects.update(status=CommentStatus.SPAM)
        comment.refresh_from_db()
        assert client.get(sender_links.view_url(comment)).content == pending

    def test_no_one_else_sees_it(self, client: Client, post: Post) -> None:
        comment = write(post, status=CommentStatus.PENDING, text="My own words")
        url = sender_links.view_url(comment).split("#")[0]
        other = write(post, status=CommentStatus.PENDING, text="Someone else's words")
        other_url = sender_links.view_url(other).split("#")[0]
        for wrong in (
            post.get_absolute_url(),
            f"{post.get_absolute_url()}?unapproved={comment.pk}",
            f"{post.get_absolute_url()}?unapproved={comment.pk}&moderation-hash={comment.pk}",
            url[:-1],
            url.replace(f"unapproved={comment.pk}", f"unapproved={other.pk}"),
            other_url,
            f"{post.get_absolute_url()}?unapproved={comment.pk}&moderation-hash="
            + TimestampSigner(salt="another").sign(str(comment.pk)),
        ):
            page = client.get(wrong).content
            assert b"My own words" not in page
            assert (b"Someone else's words" in page) == (wrong == other_url)
        assert b"My own words" in client.get(url).content

    def test_it_cannot_be_replied_to(self, client: Client, post: Post) -> None:
        comment = write(post, status=CommentStatus.PENDING)
        url = sender_links.view_url(comment).replace("?", f"?replytocom={comment.pk}&")
        assert text(one(read(client.get(url)), "#respond h2")) == "Leave a Reply"

    def test_the_link_expires(self, client: Client, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
        comment = write(post, status=CommentStatus.PENDING, text="My own words")
        url = sender_links.view_url(comment)
        monkeypatch.setattr(sender_links, "VALID_FOR", -1)
        assert b"My own words" not in client.get(url).content

    def test_the_link_works_only_on_its_entry(self, client: Client, post: Post) -> None:
        comment = write(post, status=CommentStatus.PENDING, text="My own words")
        query = sender_links.view_url(comment).split("?")[1]
        assert b"My own words" not in client.get(f"{PostFactory.create().get_absolute_url()}?{query}").content

    def test_the_same_link_shows_what_moderators_decided(self, client: Client, post: Post) -> None:
        moderator = UserFactory.create()
        comment = write(post, status=CommentStatus.PENDING, text="My own words")
        url = sender_links.view_url(comment)
        mark_spam([comment], moderator)
        assert b"awaiting moderation" in client.get(url).content
        approve([comment], moderator)
        assert b"My own words" in (page := client.get(url).content)
        assert b"awaiting moderation" not in page
        trash([comment], moderator)
        assert b"My own words" not in client.get(url).content

    def test_the_link_has_the_form_of_wordpress(self, post: Post) -> None:
        comment = write(post, status=CommentStatus.PENDING)
        path, _, rest = sender_links.view_url(comment).partition("?")
        query, _, anchor = rest.partition("#")
        assert (path, anchor) == (post.get_absolute_url(), f"comment-{comment.pk}")
        assert dict(part.split("=") for part in query.split("&")) == {
            "unapproved": str(comment.pk),
            "moderation-hash": ANY,
        }


class TestLink:
    def link(self, entry: Post, **settings: Any) -> tuple[str, str]:
        link = html.fragment_fromstring(comment_link(entry, site_with(**settings)))
        return text(link), link.get("href").removeprefix(entry.get_absolute_url())

    @pytest.mark.parametrize(
        ("count", "site", "expected"),
        [
            (0, {}, ("Leave a Comment »", "#respond")),
            (1, {}, ("1 Comment »", "#comments")),
            (3, {}, ("3 Comments »", "#comments")),
            (1, {"comments_open": False}, ("1 Comment »", "#comments")),
            (0, {"comments_open": False}, ("Comments Off", "#comments")),
        ],
    )
    def test_it_has_the_text_of_the_original_site(
        self, count: int, site: dict[str, Any], expected: tuple[str, str]
    ) -> None:
        assert self.link(PostFactory.create(comment_count=count), **site) == expected

    def test_it_depends_on_the_post_too(self) -> None:
        assert self.link(PostFactory.create(comments_open=False)) == ("Comments Off", "#comments")
        assert self.link(PostFactory.create(status=Status.DRAFT)) == ("Comments Off", ANY)

    def test_it_needs_no_query(self, post: Post, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        with django_assert_num_queries(0):
            self.link(post)


class TestQueries:
    def test_the_section_needs_one_query(self, post: Post, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        comment = None
        for index in range(20):
            comment = write(post, parent=comment if index % 3 else None, user=UserFactory.create(), name="")
        assert comment is not None
        recount(post)
        with django_assert_num_queries(1):
            section(post, f"?replytocom={comment.pk}")
