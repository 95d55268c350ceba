"""From the editor's first word to a reader's answer on the page: one way through the whole house."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from blog.models import Post
from comments.models import Comment
from tests.browser.conftest import OpenPage
from tests.factories import PostFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "a-long-password-for-tests"

type LogIn = Callable[..., Page]


def write_comment(page: Page, words: str) -> None:
    page.fill("#respond [name=name]", "Amina")
    page.fill("#respond [name=email]", "amina@example.org")
    page.fill("#respond [name=text]", words)
    page.click("text=Submit Comment")


def test_post_is_written_read_answered_and_the_answer_approved(open_page: OpenPage, log_in: LogIn) -> None:
    UserFactory(username="editor", password=PASSWORD, role="Editor")
    UserFactory(username="moderator", password=PASSWORD, role="Moderator")

    desk = open_page("/admin/login/?next=/admin/blog/post/add/")
    desk.fill("#id_username", "editor")
    desk.fill("#id_password", PASSWORD)
    desk.click("input[type=submit]")
    desk.fill("[name=title]", "A lamp for the harbour")
    desk.fill("[name=source]", "The *first* words.\n\n<!--more-->\n\nThe rest of it.")
    expect(desk.locator(".markdownx-preview em")).to_have_text("first")
    desk.fill("[name=tags]", "human rights defenders, NGOs")
    desk.select_option("[name=status]", "published")
    desk.click("input[name=_save]")
    expect(desk.locator(".success")).to_contain_text("A lamp for the harbour")

    reader = open_page("/tag/ngos/")
    reader.click("text=Read the rest of this entry »")
    expect(reader.locator("article")).to_contain_text("The rest of it.")
    write_comment(reader, "Thank you for this.\nتحية من بيروت")
    expect(reader.get_by_text("Your comment is awaiting moderation.")).to_be_visible()
    reader.reload()
    expect(reader.get_by_text("Your comment is awaiting moderation.")).to_be_visible()
    address = Post.objects.get().get_absolute_url()
    expect(open_page(address).get_by_text("Thank you for this.")).to_have_count(0)

    queue = log_in("moderator", "/admin/comments/comment/")
    queue.get_by_role("button", name="Approve").first.click()
    expect(queue.get_by_role("button", name="Undo")).to_be_visible()

    other = open_page(address)
    expect(other.locator("#comments")).to_contain_text("تحية من بيروت")
    expect(other.get_by_text("Amina Says:")).to_be_visible()
    assert Post.objects.get().comment_count == 1

    queue.get_by_role("button", name="Undo").click()
    other.reload()
    expect(other.get_by_text("Thank you for this.")).to_have_count(0)


def test_comment_and_reply_work_without_javascript(open_page: OpenPage) -> None:
    post = PostFactory()
    reader = open_page(post.get_absolute_url(), java_script_enabled=False)
    write_comment(reader, "First.")
    expect(reader.get_by_text("Your comment is awaiting moderation.")).to_be_visible()
    first = Comment.objects.get()
    Comment.objects.update(status="approved")

    reader.goto(f"{post.get_absolute_url()}?fresh=1")
    reader.click("text=Reply")
    expect(reader.get_by_role("heading", name="Leave a Reply to Amina")).to_be_visible()
    write_comment(reader, "Second.")
    expect(reader.get_by_text("Your comment is awaiting moderation.")).to_be_visible()
    assert Comment.objects.get(text="Second.").parent == first


def test_faulty_comment_is_named_and_kept(open_page: OpenPage) -> None:
    post = PostFactory()
    reader = open_page(post.get_absolute_url(), java_script_enabled=False)
    reader.fill("#respond [name=name]", "Amina")
    reader.fill("#respond [name=email]", "amina@example")
    reader.fill("#respond [name=text]", "Words that took me an hour.")
    reader.click("text=Submit Comment")
    expect(reader.locator(".errorlist")).to_be_visible()
    expect(reader.locator("#respond [name=text]")).to_have_value("Words that took me an hour.")
    assert not Comment.objects.exists()


def test_double_click_leaves_one_comment(open_page: OpenPage) -> None:
    post = PostFactory()
    reader = open_page(post.get_absolute_url())
    reader.fill("#respond [name=name]", "Amina")
    reader.fill("#respond [name=email]", "amina@example.org")
    reader.fill("#respond [name=text]", "Once.")
    reader.dblclick("text=Submit Comment")
    expect(reader.get_by_text("Your comment is awaiting moderation.")).to_be_visible()
    assert Comment.objects.count() == 1


def test_reader_has_no_cookie_and_nothing_is_stored(open_page: OpenPage) -> None:
    post = PostFactory()
    reader = open_page("/")
    reader.click(f"text={post.title}")
    write_comment(reader, "Hello.")
    expect(reader.get_by_text("Your comment is awaiting moderation.")).to_be_visible()
    assert reader.context.cookies() == []
    assert reader.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
