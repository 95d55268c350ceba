"""The whole site in one scenario: from writing a post to approving a comment."""

import pytest
from playwright.sync_api import expect

from blog.models import Post
from comments.models import Comment
from tests.factories import PASSWORD, PostFactory, UserFactory
from tests.factories.types import LogIn, OpenPage, WriteComment

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_post_is_written_read_and_commented_on_and_the_comment_approved(
    open_page: OpenPage, log_in: LogIn, write_comment: WriteComment
) -> None:
    UserFactory(username="editor", password=PASSWORD, role="Editor")
    UserFactory(username="moderator", password=PASSWORD, role="Moderator")

    editor = open_page("/admin/login/?next=/admin/blog/post/add/")
    editor.fill("#id_username", "editor")
    editor.fill("#id_password", PASSWORD)
    editor.click("input[type=submit]")
    editor.fill("[name=title]", "A lamp for the harbour")
    editor.fill("[name=source]", "The *first* words.\n\n<!--more-->\n\nThe rest of it.")
    expect(editor.frame_locator(".markdownx-preview").locator("em")).to_have_text("first")
    editor.fill("#id_tags", "human rights defenders, NGOs")
    editor.get_by_role("button", name="Publish", exact=True).click()
    expect(editor.locator(".success")).to_have_text("Post published. View post")

    reader = open_page("/tag/ngos/")
    reader.click("text=Read the rest of this entry »")
    expect(reader.locator("article")).to_contain_text("The rest of it.")
    write_comment(reader, "Thank you for this.\nتحية من بيروت")
    expect(reader.get_by_text("Your comment is awaiting moderation.")).to_be_visible()
    reader.reload()
    expect(reader.get_by_text("Your comment is awaiting moderation.")).to_be_visible()
    url = Post.objects.get().get_absolute_url()
    expect(open_page(url).get_by_text("Thank you for this.")).to_have_count(0)

    queue = log_in("moderator", "/admin/comments/comment/")
    queue.get_by_role("button", name="Approve").first.click()
    expect(queue.get_by_role("button", name="Undo")).to_be_visible()

    other = open_page(url)
    expect(other.locator("#comments")).to_contain_text("تحية من بيروت")
    expect(other.get_by_text("Amina Says:")).to_be_visible()
    assert Post.objects.get().comment_count == 1

    queue.get_by_role("button", name="Undo").click()
    expect(queue.locator(".messagelist")).to_contain_text("Undone for 1 comment.")
    other.reload()
    expect(other.get_by_text("Thank you for this.")).to_have_count(0)


def test_comments_and_replies_work_without_javascript(open_page: OpenPage, write_comment: WriteComment) -> None:
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


def test_errors_in_a_comment_are_shown_and_its_text_is_kept(open_page: OpenPage) -> None:
    post = PostFactory()
    reader = open_page(post.get_absolute_url(), java_script_enabled=False)
    reader.fill("#respond [name=name]", "Amina")
    reader.fill("#respond [name=email]", "amina@example")
    reader.fill("#respond [name=text]", "A text that took me an hour.")
    reader.click("text=Submit Comment")
    expect(reader.locator(".errorlist")).to_be_visible()
    expect(reader.locator("#respond [name=text]")).to_have_value("A text that took me an hour.")
    assert not Comment.objects.exists()


def test_a_double_click_sends_one_comment(open_page: OpenPage) -> None:
    post = PostFactory()
    reader = open_page(post.get_absolute_url())
    reader.fill("#respond [name=name]", "Amina")
    reader.fill("#respond [name=email]", "amina@example.org")
    reader.fill("#respond [name=text]", "Once.")
    reader.dblclick("text=Submit Comment")
    expect(reader.get_by_text("Your comment is awaiting moderation.")).to_be_visible()
    assert Comment.objects.count() == 1


def test_nothing_is_stored_in_the_browser_of_a_reader(open_page: OpenPage, write_comment: WriteComment) -> None:
    post = PostFactory()
    reader = open_page("/")
    reader.click(f"text={post.title}")
    write_comment(reader, "Hello.")
    expect(reader.get_by_text("Your comment is awaiting moderation.")).to_be_visible()
    assert reader.context.cookies() == []
    assert reader.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
