"""The navigation of the admin. On a phone, a button opens it, with and without JavaScript."""

import pytest
from playwright.sync_api import expect

from comments.models import CommentStatus
from tests.factories import CommentFactory, UserFactory
from tests.factories.types import LogIn

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = {"width": 390, "height": 800}


def test_breadcrumbs_point_back_to_the_first_page_and_on_to_those_below(log_in: LogIn) -> None:
    UserFactory(role="Editor", username="editor")
    page = log_in("editor", "/admin/comments/block/add/")
    signs = page.locator(".trail li").evaluate_all("all => all.map(each => getComputedStyle(each, '::before').content)")
    assert [sign[1] for sign in signs] == ["‹", "›"]


def test_the_button_for_the_colours_can_be_seen_in_forced_colours(log_in: LogIn) -> None:
    UserFactory(role="Editor", username="editor")
    page = log_in("editor")
    page.emulate_media(forced_colors="active", color_scheme="dark")
    icon, square, text, surface = page.locator(".theme-toggle").evaluate(
        """(button) => {
          const icon = [...button.querySelectorAll("svg")].find((svg) => svg.checkVisibility());
          const { fill, color } = getComputedStyle(icon);
          button.style.cssText = "color: ButtonText; background: ButtonFace";
          const system = getComputedStyle(button);
          return [fill, color, system.color, system.backgroundColor];
        }"""
    )
    assert (icon, square) == (text, surface)


@pytest.mark.parametrize("java_script_enabled", [True, False], ids=["with JavaScript", "without"])
def test_the_menu_opens_and_leads_to_other_pages(log_in: LogIn, java_script_enabled: bool) -> None:
    CommentFactory(status=CommentStatus.PENDING)
    UserFactory(role="Editor", username="editor")
    page = log_in("editor", viewport=PHONE, java_script_enabled=java_script_enabled)
    menu, posts = page.get_by_role("button", name="Menu"), page.get_by_role("link", name="Posts", exact=True)
    expect(posts).to_be_hidden()
    expect(menu).to_contain_text("1")
    menu.press("Enter")
    expect(posts).to_be_visible()
    for link in page.locator(".navigation a").all():
        box = link.bounding_box()
        assert box is not None
        assert box["height"] >= 44
    page.keyboard.press("Escape")
    expect(posts).to_be_hidden()
    menu.click()
    page.keyboard.press("Tab")
    expect(page.locator(".navigation a").first).to_be_focused()
    posts.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Posts")
    menu.click()
    expect(page.locator(".navigation [aria-current=page]")).to_have_text("Posts")
