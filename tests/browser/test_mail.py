"""Readers follow discussions and unsubscribe, and moderators decide from an e-mail, on a phone and without cookies."""

import re

import pytest
from django.core import mail
from playwright.sync_api import expect

from comments.models import Comment, Follower
from comments.models import CommentStatus as Status
from core.models import SiteSettings
from tests.factories import PostFactory, UserFactory
from tests.factories.responses import links
from tests.factories.types import Deliver, Faults, OpenPage

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = {"viewport": {"width": 320, "height": 640}}


@pytest.fixture(autouse=True)
def _site(db: None) -> None:
    SiteSettings.objects.get_or_create(pk=1)
    mail.outbox.clear()


def test_a_reader_follows_confirms_and_unsubscribes(open_page: OpenPage, deliver: Deliver) -> None:
    post = PostFactory(title="A paper")
    reader = open_page(post.get_absolute_url(), **PHONE, java_script_enabled=False)
    reader.get_by_text("Follow by e-mail without commenting").click()
    reader.fill("#follow-email", "amina@example.org")
    reader.get_by_role("button", name="Follow", exact=True).click()
    expect(reader.get_by_role("heading", name="Check your inbox")).to_be_visible()
    (message,) = deliver()
    reader.goto(next(link for link in links(message) if "/confirm/" in link))
    assert Follower.objects.get().confirmed_at is None
    reader.get_by_role("button", name="Confirm subscription").click()
    expect(reader.get_by_role("status")).to_contain_text("You will get an e-mail")
    assert Follower.objects.get().confirmed_at is not None
    reader.get_by_role("link", name="Unsubscribe").click()
    reader.get_by_role("button", name="Unsubscribe", exact=True).click()
    expect(reader.get_by_role("heading", name="You are unsubscribed")).to_be_visible()
    assert not Follower.objects.exists()
    assert reader.context.cookies() == []


def test_a_commenter_follows_and_a_moderator_decides_from_the_email(
    open_page: OpenPage, deliver: Deliver, faults: Faults
) -> None:
    UserFactory(role="Moderator", email="m@example.org", display_name="Mina")
    post = PostFactory(title="A paper")
    reader = open_page(post.get_absolute_url(), **PHONE, java_script_enabled=False)
    reader.fill("#respond [name=name]", "Amina")
    reader.fill("#respond [name=email]", "amina@example.org")
    reader.fill("#respond [name=text]", "Words.")
    reader.get_by_label("Notify me of new comments by e-mail").check()
    reader.get_by_role("button", name="Preview").click()
    expect(reader.get_by_label("Notify me of new comments by e-mail")).to_be_checked()
    reader.get_by_role("button", name="Submit Comment").click()
    expect(reader.get_by_text("Your comment is awaiting moderation.")).to_be_visible()
    assert Follower.objects.get().email == "amina@example.org"
    notice = next(message for message in deliver() if message.to == ["m@example.org"])
    moderator = open_page(next(link for link in links(notice) if link.endswith("/spam/")), **PHONE)
    found = {"deciding": faults(moderator)}
    moderator.get_by_role("link", name="Approve instead").click()
    moderator.get_by_role("button", name="Approve").dblclick()
    expect(moderator.get_by_role("status")).to_contain_text(re.compile("Mina decided: Approved"))
    found["decided"] = faults(moderator)
    assert Comment.objects.get().status == Status.APPROVED
    assert moderator.context.cookies() == []
    assert found == dict.fromkeys(found, "")


def test_pages_are_accessible(open_page: OpenPage, deliver: Deliver, faults: Faults) -> None:
    post = PostFactory(title="عنوان طويل جداً لهذا النص عن حرية الضمير")
    reader = open_page(post.get_absolute_url(), **PHONE)
    reader.get_by_text("Follow by e-mail without commenting").click()
    found = {"form": faults(reader)}
    reader.eval_on_selector(".follow-form", "form => { form.noValidate = true; }")
    reader.fill("#follow-email", "amina@")
    reader.get_by_role("button", name="Follow", exact=True).click()
    expect(reader.locator(".errorlist")).to_be_visible()
    found["with a fault"] = faults(reader)
    reader.fill("#follow-email", "amina@example.org")
    reader.get_by_role("button", name="Follow", exact=True).click()
    expect(reader.get_by_role("heading", name="Check your inbox")).to_be_visible()
    found["asked"] = faults(reader)
    (message,) = deliver()
    reader.goto(next(link for link in links(message) if "/confirm/" in link))
    found["confirm"] = faults(reader)
    reader.get_by_role("button", name="Confirm subscription").click()
    expect(reader.get_by_role("status")).to_contain_text("You will get an e-mail")
    found["confirmed"] = faults(reader)
    reader.get_by_role("link", name="Unsubscribe").click()
    expect(reader.get_by_role("button", name="Unsubscribe from all discussions")).to_be_visible()
    found["stop"] = faults(reader)
    reader.get_by_role("button", name="Unsubscribe from all discussions").click()
    expect(reader.get_by_role("status")).to_be_visible()
    found["stopped"] = faults(reader)
    assert found == dict.fromkeys(found, "")
