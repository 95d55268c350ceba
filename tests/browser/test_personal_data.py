"""An editor finds, discloses and erases the personal data of a commenter, on a phone and at a desk."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from comments.models import Comment
from tests.factories import PASSWORD, CommentFactory, UserFactory
from tests.factories.types import Device, Faults, LogIn

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = {"viewport": {"width": 320, "height": 640}}
DESK = {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"}


@pytest.mark.parametrize("device", [PHONE, DESK], ids=["phone", "desk, dark"])
def test_personal_data_is_found_disclosed_and_erased(log_in: LogIn, device: Device, faults: Faults) -> None:
    UserFactory.create(username="editor", password=PASSWORD, role="Editor")
    words = {"email": "Rosa@example.org", "text": "What I think", "website": "https://rosa.example"}
    comment = CommentFactory.create(name="Rosa", **words)
    other = CommentFactory.create(name="Rosa", email="other@example.org", entry=comment.entry)
    page = log_in("editor", **device)
    for name in ("Comments", "Personal data"):
        if device is PHONE:
            page.get_by_role("button", name="Menu").click()
        with page.expect_navigation():
            page.get_by_role("link", name=name).first.click()
    field, button = page.get_by_label("E-mail address"), page.get_by_role("button", name="Show data")
    field.fill("rosa@example.org")
    assert faults(page) == ""
    above, below = field.bounding_box(), button.bounding_box()
    assert above is not None
    assert below is not None
    assert below["y"] - above["y"] - above["height"] >= 8
    button.click()
    expect(page.get_by_text("What I think")).to_be_visible()
    assert faults(page) == ""

    with page.expect_download() as download:
        page.get_by_role("button", name="Download all data").click()
    data = json.loads(Path(download.value.path()).read_text())
    assert [each["text"] for each in data["comments"]] == ["What I think"]

    page.get_by_role("button", name="Continue to confirmation").click()
    expect(page.get_by_text("Choose what happens to the comments.")).to_be_visible()
    assert faults(page) == ""
    page.get_by_label("Keep them").check()
    page.get_by_role("button", name="Continue to confirmation").click()
    expect(page.get_by_role("heading", name="Erase this person's data and keep the comments?")).to_be_visible()
    assert faults(page) == ""
    with page.expect_navigation():
        page.get_by_role("button", name="Back").click()
    page.get_by_label("Keep them").check()
    page.get_by_role("button", name="Continue to confirmation").click()
    page.get_by_role("button", name="Erase", exact=True).click()
    expect(page.get_by_text("Comments kept as “Anonymous”: 1.")).to_be_visible()
    comment.refresh_from_db()
    assert (comment.name, comment.email, comment.website, comment.text) == ("", "", "", "What I think")
    assert Comment.objects.get(pk=other.pk).name == "Rosa"
