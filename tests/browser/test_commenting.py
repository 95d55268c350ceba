"""A reader on a phone previews, submits, changes and deletes a comment, and finds one in a long thread."""

import datetime as dt
import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from comments.models import Comment, CommentPolicy, CommentSettings, Revision
from comments.moderation.counting import recount
from tests.factories import CommentFactory, PostFactory, at
from tests.factories.types import Faults, OpenPage, WriteComment

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = {"viewport": {"width": 320, "height": 640}, "java_script_enabled": False}


@pytest.mark.parametrize("policy", [CommentPolicy.HOLD, CommentPolicy.OPEN])
def test_a_comment_is_previewed_sent_changed_and_deleted(open_page: OpenPage, policy: CommentPolicy) -> None:
    CommentSettings.objects.update_or_create(pk=1, defaults={"comment_policy": policy})
    post = PostFactory()
    reader = open_page(post.get_absolute_url(), **PHONE)
    reader.fill("#respond [name=name]", "Amina")
    reader.fill("#respond [name=email]", "amina@example.org")
    reader.fill("#respond [name=text]", "Frist text.\n\nتحية من بيروت")
    reader.get_by_role("button", name="Preview").click()
    preview = reader.get_by_role("region", name="Preview of your comment")
    expect(preview).to_be_in_viewport()
    expect(preview.locator(".comment-body p")).to_have_text(["Frist text.", "تحية من بيروت"])
    assert not Comment.objects.exists()

    with reader.expect_navigation():
        reader.get_by_role("button", name="Submit Comment").click()
    comment = Comment.objects.get()
    expect(reader.locator(f"#comment-{comment.pk}")).to_be_in_viewport()
    reader.get_by_role("link", name="Change or delete your comment").click()
    reader.get_by_label("Comment", exact=True).fill("First text.")
    reader.get_by_role("button", name="Save changes").click()
    shown = reader.locator(f"#comment-{comment.pk}")
    expect(shown.locator(".comment-body")).to_have_text("First text.")
    expect(shown.locator(".comment-edited")).to_contain_text("Edited")
    assert Revision.objects.get().text.startswith("Frist")

    reader.get_by_role("link", name="Change or delete your comment").click()
    reader.get_by_text("Delete your comment", exact=True).click()
    reader.get_by_role("button", name="Delete permanently").click()
    expect(reader.get_by_role("heading", name="Your comment was deleted")).to_be_visible()
    assert not Comment.objects.exists()
    reader.get_by_role("link", name=post.title).click()
    expect(reader.locator(".comment")).to_have_count(0)
    assert reader.context.cookies() == []


def test_wrong_fields_are_marked_and_what_awaits_moderation_stands_apart(open_page: OpenPage) -> None:
    CommentSettings.objects.update_or_create(pk=1, defaults={"comment_policy": CommentPolicy.HOLD})
    PostFactory(published_at=at(2020, 1, 1))
    reader = open_page(PostFactory().get_absolute_url(), **PHONE)
    reader.locator(".comment-form").evaluate("form => form.noValidate = true")
    reader.fill("#respond [name=website]", "mine")
    reader.get_by_role("button", name="Submit Comment").click()
    for label in ("Name (required)", "E-mail (will not be published) (required)", "Website", "Comment"):
        expect(reader.get_by_label(label, exact=True)).to_have_css("border-top-width", "2px")

    reader.fill("#respond [name=name]", "Amina")
    reader.fill("#respond [name=email]", "amina@example.org")
    reader.fill("#respond [name=website]", "")
    reader.fill("#respond [name=text]", "First text.")
    reader.get_by_role("button", name="Submit Comment").click()
    comment = reader.locator(".comment:has-text('awaiting moderation')").bounding_box()
    above = reader.locator(".neighbours").bounding_box()
    assert comment
    assert above
    assert comment["y"] - (above["y"] + above["height"]) > 30


def test_a_double_click_on_delete_is_not_an_error(open_page: OpenPage, write_comment: WriteComment) -> None:
    post = PostFactory()
    reader = open_page(post.get_absolute_url())
    write_comment(reader, "Regretted.")
    reader.get_by_role("link", name="Change or delete your comment").click()
    reader.get_by_text("Delete your comment", exact=True).click()
    reader.get_by_role("button", name="Delete permanently").dblclick()
    # The browser may show either response.
    expect(reader.get_by_role("heading", level=1)).to_have_text(
        re.compile("Your comment was deleted|This comment no longer exists")
    )
    assert not Comment.objects.exists()


def test_a_link_to_a_comment_in_a_long_thread_shows_it(open_page: OpenPage) -> None:
    CommentSettings.objects.update_or_create(pk=1, defaults={"comments_per_page": 10})
    post = PostFactory()
    comments = CommentFactory.create_batch(25, entry=post)
    recount(post)
    reader = open_page(comments[17].get_absolute_url(), **PHONE)
    expect(reader.locator(f"#comment-{comments[17].pk}")).to_be_in_viewport()
    assert reader.url.endswith(f"{post.get_absolute_url()}comment-page-2/#comment-{comments[17].pk}")
    reader.get_by_role("link", name="Newer Comments »").first.click()
    expect(reader.locator(".comment")).to_have_count(5)
    # WordPress had shorter pages. After the redirect, the browser keeps the fragment that names the comment.
    reader.goto(f"{post.get_absolute_url()}comment-page-9/#comment-{comments[3].pk}")
    expect(reader.locator(f"#comment-{comments[3].pk}")).to_be_in_viewport()


def test_pages_are_accessible(open_page: OpenPage, faults: Faults) -> None:
    CommentSettings.objects.update_or_create(pk=1, defaults={"comments_per_page": 10})
    post = PostFactory()
    CommentFactory.create_batch(60, entry=post)
    CommentFactory(entry=post, user=post.author, created_at=timezone.now() - dt.timedelta(days=1))
    recount(post)
    reader = open_page(f"{post.get_absolute_url()}comment-page-7/", viewport=PHONE["viewport"])
    found = {"page of comments": faults(reader)}
    reader.fill("#respond [name=name]", "Amina")
    reader.fill("#respond [name=email]", "amina@example.org")
    reader.fill("#respond [name=text]", "Hello.")
    reader.click("text=Preview")
    reader.wait_for_selector(".comment-preview")
    found["preview"] = faults(reader)
    reader.click("text=Submit Comment")
    reader.wait_for_selector(".comment-own")
    found["pending"] = faults(reader)
    reader.click("text=Change or delete your comment")
    # Not the link, whose text contains these words too.
    reader.get_by_text("Delete your comment", exact=True).click()
    found["own comment"] = faults(reader)
    reader.fill("#own-text", " ")
    reader.eval_on_selector("form", "form => { form.noValidate = true; }")
    reader.click("text=Save Changes")
    reader.wait_for_selector(".errors")
    found["own comment with faults"] = faults(reader)
    reader.get_by_text("Delete your comment").click()
    reader.click("text=Delete permanently")
    reader.get_by_role("heading", name="Your comment was deleted").wait_for()
    found["deleted"] = faults(reader)
    assert found == dict.fromkeys(found, "")
