"""A reader on a phone enters the password of a post, reads it and comments, without JavaScript or cookies."""

import pytest
from playwright.sync_api import expect

from comments.models import Comment, CommentPolicy, CommentSettings
from tests.factories import CommentFactory, PostFactory
from tests.factories.types import OpenPage

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = {"viewport": {"width": 320, "height": 640}, "java_script_enabled": False}


def test_a_protected_post_is_read_and_commented_on(open_page: OpenPage) -> None:
    CommentSettings.objects.update_or_create(
        pk=1, defaults={"comment_policy": CommentPolicy.OPEN, "proof_of_work": False}
    )
    post = PostFactory(title="Guarded", source="The secret text.", password="افتح يا سمسم")
    CommentFactory(entry=post, text="The first comment.")
    reader = open_page("/", **PHONE)
    expect(reader.get_by_role("link", name="Protected: Guarded", exact=True)).to_be_visible()
    # With the keyboard, from a listing.
    reader.get_by_label("Password:").fill("wrong")
    reader.keyboard.press("Enter")
    expect(reader.get_by_role("alert")).to_have_text("Invalid password.")
    expect(reader.get_by_text("The first comment.")).to_have_count(0)
    reader.get_by_label("Password:").fill("افتح يا سمسم")
    reader.get_by_role("button", name="Enter").click()
    expect(reader.get_by_text("The secret text.")).to_be_visible()
    expect(reader.get_by_text("The first comment.")).to_be_visible()
    assert reader.url.endswith(post.get_absolute_url())

    reader.fill("#respond [name=name]", "Amina")
    reader.fill("#respond [name=email]", "amina@example.org")
    reader.fill("#respond [name=text]", "The second comment.")
    reader.get_by_role("button", name="Submit Comment").click()
    expect(reader.get_by_text("The second comment.")).to_be_visible()
    expect(reader.get_by_text("The secret text.")).to_be_visible()
    assert Comment.objects.count() == 2
    assert reader.context.cookies() == []
    reader.goto(post.get_absolute_url())
    expect(reader.get_by_label("Password:")).to_be_visible()
    expect(reader.get_by_text("The secret text.")).to_have_count(0)
