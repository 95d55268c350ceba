"""A reader follows and stops; a moderator decides from a mail: on a phone, without JavaScript, without a cookie."""

import re

import pytest
from django.core import mail
from playwright.sync_api import expect

from blog.models import SiteSettings
from comments.models import Comment, Status
from comments.recipients import Follower
from tests.browser.conftest import OpenPage
from tests.browser.test_accessibility import faults
from tests.comments.post_office import deliver, links
from tests.factories import PostFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = {"viewport": {"width": 320, "height": 640}}


@pytest.fixture(autouse=True)
def _site(db: None) -> None:
    SiteSettings.objects.get_or_create(pk=1)
    mail.outbox.clear()


def test_following_confirming_and_stopping(open_page: OpenPage) -> None:
    post = PostFactory(title="A paper")
    reader = open_page(post.get_absolute_url(), **PHONE, java_script_enabled=False)
    reader.get_by_text("Follow by e-mail without writing").click()
    reader.fill("#follow-email", "amina@example.org")
    reader.get_by_role("button", name="Follow", exact=True).click()
    expect(reader.get_by_role("heading", name="Look into your mail")).to_be_visible()
    (message,) = deliver()
    reader.goto(next(link for link in links(message) if "/confirm/" in link))
    assert Follower.objects.get().confirmed_at is None
    reader.get_by_role("button", name="Yes, Tell Me").click()
    expect(reader.get_by_role("status")).to_contain_text("You are told of further comments")
    assert Follower.objects.get().confirmed_at is not None
    reader.get_by_role("link", name="Stop following").click()
    reader.get_by_role("button", name="Stop These Mails").click()
    expect(reader.get_by_role("heading", name="No more mails")).to_be_visible()
    assert not Follower.objects.exists()
    assert reader.context.cookies() == []


def test_a_comment_with_the_box_ticked_is_decided_about_from_the_mail(open_page: OpenPage) -> None:
    UserFactory(role="Moderator", email="m@example.org", display_name="Mina")
    post = PostFactory(title="A paper")
    reader = open_page(post.get_absolute_url(), **PHONE, java_script_enabled=False)
    reader.fill("#respond [name=name]", "Amina")
    reader.fill("#respond [name=email]", "amina@example.org")
    reader.fill("#respond [name=text]", "Words.")
    reader.get_by_label("Tell me by e-mail of further comments").check()
    reader.get_by_role("button", name="Preview").click()
    expect(reader.get_by_label("Tell me by e-mail of further comments")).to_be_checked()
    reader.get_by_role("button", name="Submit Comment").click()
    assert Follower.objects.get().email == "amina@example.org"
    notice = next(message for message in deliver() if message.to == ["m@example.org"])
    moderator = open_page(next(link for link in links(notice) if link.endswith("/spam/")), **PHONE)
    found = {"deciding": faults(moderator)}
    moderator.get_by_role("link", name="Instead: Approve").click()
    moderator.get_by_role("button", name="Approve").dblclick()
    expect(moderator.get_by_role("status")).to_contain_text(re.compile("Mina has decided: Approved"))
    found["decided"] = faults(moderator)
    assert Comment.objects.get().status == Status.APPROVED
    assert moderator.context.cookies() == []
    assert found == dict.fromkeys(found, "")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_page: OpenPage, scheme: str) -> None:
    post = PostFactory(title="عنوان طويل جداً لهذا النص عن حرية الضمير")
    reader = open_page(post.get_absolute_url(), **PHONE, color_scheme=scheme)
    reader.get_by_text("Follow by e-mail without writing").click()
    found = {"form": faults(reader)}
    reader.eval_on_selector(".follow-form", "form => { form.noValidate = true; }")
    reader.fill("#follow-email", "amina@")
    reader.get_by_role("button", name="Follow", exact=True).click()
    found["with a fault"] = faults(reader)
    reader.fill("#follow-email", "amina@example.org")
    reader.get_by_role("button", name="Follow", exact=True).click()
    found["asked"] = faults(reader)
    (message,) = deliver()
    reader.goto(next(link for link in links(message) if "/confirm/" in link))
    found["confirm"] = faults(reader)
    reader.get_by_role("button", name="Yes, Tell Me").click()
    found["confirmed"] = faults(reader)
    reader.get_by_role("link", name="Stop following").click()
    found["stop"] = faults(reader)
    reader.get_by_role("button", name="Stop All Mails of This Site").click()
    found["stopped"] = faults(reader)
    assert found == dict.fromkeys(found, "")
