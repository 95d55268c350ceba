"""Owners change how the site looks, preview and publish the changes, and undo them."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from playwright.sync_api import Dialog, FilePayload, Locator, expect
from pytest_django import Settings

from blog.appearance import versions
from blog.appearance.documents import AppearanceForm, default_document
from blog.appearance.looks import look_of
from blog.models import SiteAppearance
from core.models import SiteSettings
from media.models import Document
from media.pictures import store_picture
from tests.factories import PASSWORD, CategoryFactory, PostFactory, UserFactory, at
from tests.factories.files import PDF, picture
from tests.factories.types import Faults, LogIn, OpenPage
from wordpress.models import ImportedMenu

pytestmark = pytest.mark.django_db(transaction=True)

BODY = (
    "## One\n\nWords and a [link](/about/).\n\n"
    + "A sentence of some length. " * 200
    + "\n\n## Two\n\n## Three\n\nEnd."
)
MENU = """Home /
About us and everything that we do /about/
- Our team /team/
- الفريق /ar/
Topics
- Human rights defenders and those who protect them /topics/
- Letters /letters/
- Prizes /prizes/
Donate https://example.org/donate"""
# Every option occurs in one of these.
LOOKS: dict[str, dict[str, Any]] = {
    "sans, wide, left": {
        "type_style": "sans",
        "width": "wide",
        "sidebar": "left",
        "accent": "#7a2048",
        "header_menu": MENU,
    },
    "plain, narrow, below": {
        "type_style": "plain",
        "width": "narrow",
        "sidebar": "below",
        "list_style": "titles",
        "footer_menu": MENU,
    },
    "serif, wide, right": {"width": "wide", "accent_dark": "#7fd67f", "footer": "## Us\n\n*Since* [2010](/2010/)"},
    "literata": {"type_style": "literata", "show_updates": False},
    "plain, none": {"type_style": "plain", "sidebar": "none", "day_format": "Y-m-d"},
}


def test_a_draft_is_previewed_published_and_undone(log_in: LogIn, faults: Faults) -> None:
    UserFactory(username="owner", password=PASSWORD, is_staff=True, is_superuser=True)
    PostFactory(title="A post")
    page = log_in("owner")
    page.get_by_role("link", name="Appearance").click()
    page.get_by_label("Accent colour", exact=True).fill("#ff9900")
    page.get_by_role("button", name="Save draft and preview").click()
    # The error is shown next to the field and announced to screen readers.
    field = page.get_by_label("Accent colour", exact=True)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("The nearest colour with enough contrast is #a26100.")).to_be_visible()
    assert faults(page) == ""
    # Picking a colour enters its code in the field.
    page.get_by_label("Pick a colour: Accent colour", exact=True).fill("#a26100")
    expect(field).to_have_value("#a26100")
    page.get_by_label("Plain and compact").check()
    page.get_by_role("button", name="Save draft and preview").click()
    expect(page.get_by_role("link", name="A post", exact=True)).to_be_visible()
    expect(page.locator(".pager a, .sidebar a").first).to_have_css("color", "rgb(162, 97, 0)")
    assert faults(page) == ""
    page.get_by_role("link", name="Edit appearance").click()
    assert faults(page) == ""
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("Appearance published.")).to_be_visible()
    assert faults(page) == ""
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Appearance published.")).to_be_visible()
    page.goto("/")
    assert page.locator(".sidebar a").first.evaluate("element => getComputedStyle(element).color") != "rgb(162, 97, 0)"


class TestPictures:
    """Pictures are chosen in the media library with the keyboard, uploaded in place, and removed again."""

    URL = "/admin/blog/siteappearance/1/change/"

    @pytest.fixture(autouse=True)
    def _library(self, transactional_db: None) -> None:
        UserFactory(username="owner", password=PASSWORD, is_staff=True, is_superuser=True)
        store_picture(SimpleUploadedFile("crowd.png", picture(size=(60, 40))), title="A crowd", alt="People")
        store_picture(SimpleUploadedFile("lamp.png", picture(size=(400, 80))), title="A lamp")

    def test_are_chosen_with_the_keyboard(self, log_in: LogIn, faults: Faults) -> None:
        page = log_in("owner", self.URL)
        group = page.get_by_role("group", name="Logo")
        choose = group.get_by_role("button", name="Choose image…")
        choose.press("Enter")
        dialog = page.get_by_role("dialog", name="Image")
        expect(dialog.get_by_role("listitem")).to_have_count(2)
        assert faults(page) == ""
        dialog.get_by_role("searchbox").fill("crowd")
        expect(dialog.get_by_role("listitem")).to_have_count(1)
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(dialog).to_be_hidden()
        # The focus is back on the button, whose description names the chosen picture.
        other = group.get_by_role("button", name="Choose another…")
        expect(other).to_be_focused()
        expect(other).to_have_accessible_description(re.compile(r"A crowd \(60 × 40\)"))
        expect(group.get_by_role("img", name="People")).to_be_visible()
        assert faults(page) == ""
        page.get_by_role("button", name="Publish", exact=True).click()
        expect(page.get_by_text("Appearance published.")).to_be_visible()
        expect(group.get_by_role("img", name="People")).to_be_visible()
        group.get_by_role("button", name="Remove").press("Enter")
        expect(choose).to_be_focused()
        expect(group.get_by_role("img")).to_have_count(0)
        page.get_by_role("button", name="Publish", exact=True).click()
        expect(page.get_by_text("Appearance published.")).to_be_visible()
        assert look_of(SiteSettings.current()).name == "Broadside"

    def test_are_uploaded_in_place(self, log_in: LogIn) -> None:
        page = log_in("owner", self.URL)
        group = page.get_by_role("group", name="Site icon")
        icon = FilePayload(name="icon.png", mimeType="image/png", buffer=picture(size=(512, 512)))
        with page.expect_file_chooser() as chooser:
            group.get_by_role("button", name="Upload…").click()
        chooser.value.set_files(icon)
        # Publishing waits for the upload.
        page.get_by_role("button", name="Publish", exact=True).click()
        expect(page.get_by_text("Appearance published.")).to_be_visible()
        expect(group.get_by_text("(512 × 512)", exact=True)).to_be_visible()
        assert look_of(SiteSettings.current()).icon is not None

    def test_that_are_not_images_are_refused(self, log_in: LogIn) -> None:
        page = log_in("owner", self.URL)
        group = page.get_by_role("group", name="Logo")
        chooser = group.locator("input[type=file]")
        chooser.set_input_files(FilePayload(name="a.pdf", mimeType="application/pdf", buffer=PDF))
        expect(group.get_by_role("status")).to_have_text("Choose an image from the media library.")
        chooser.set_input_files(FilePayload(name="a.png", mimeType="image/png", buffer=b"nothing"))
        expect(group.get_by_role("status")).not_to_be_empty()
        expect(group.get_by_role("button", name="Choose image…")).to_be_visible()
        assert Document.objects.count() == 0

    def test_can_be_chosen_without_javascript(self, log_in: LogIn) -> None:
        page = log_in("owner", self.URL, java_script_enabled=False)
        page.get_by_label("Logo").select_option(label="A lamp (400 × 80)")
        page.get_by_role("button", name="Publish", exact=True).click()
        expect(page.get_by_text("(400 × 80)").first).to_be_visible()
        assert look_of(SiteSettings.current()).name != "Broadside"


def test_the_appearance_page_is_accessible_from_right_to_left(
    log_in: LogIn, faults: Faults, settings: Settings
) -> None:
    settings.LANGUAGE_CODE = "ar"
    UserFactory(username="owner", password=PASSWORD, is_staff=True, is_superuser=True)
    page = log_in("owner", "/admin/blog/siteappearance/1/change/")
    # Open the options of all blocks.
    page.eval_on_selector_all(".block details", "items => items.forEach((item) => { item.open = true; })")
    assert faults(page) == ""
    # On tablets, the buttons are below each other, and don't cover the form.
    page.set_viewport_size({"width": 768, "height": 1024})
    assert page.locator(".submit-row").evaluate("row => getComputedStyle(row).position") != "sticky"


def test_blocks_are_moved_with_the_keyboard_and_by_dragging(log_in: LogIn) -> None:
    UserFactory(username="owner", password=PASSWORD, is_staff=True, is_superuser=True)
    page = log_in("owner", "/admin/blog/siteappearance/1/change/", viewport={"width": 1280, "height": 1600})
    blocks = page.locator(".blocks > li")

    def order() -> list[str]:
        return [str(name) for name in blocks.evaluate_all("items => items.map((item) => item.dataset.name)")]

    first, second, third, *others = order()
    page.get_by_role("button", name=f"Move {first} down").focus()
    page.keyboard.press("Enter")
    assert order() == [second, first, third, *others]
    # The focus stays on the button, and the move is announced.
    expect(page.get_by_role("button", name=f"Move {first} down")).to_be_focused()
    expect(page.get_by_text(f"{first} is now at position 2 of {2 + 1 + len(others)}.")).to_be_attached()
    page.keyboard.press("Enter")
    assert order() == [second, third, first, *others]
    blocks.nth(2).locator("summary").drag_to(blocks.nth(0), target_position={"x": 20, "y": 2})
    assert order() == [first, second, third, *others]
    page.get_by_role("button", name=f"Remove {second}").click()
    assert order() == [first, third, *others]
    expect(blocks.nth(1).locator("summary")).to_be_focused()
    page.get_by_role("button", name="Save draft", exact=True).click()
    expect(page.get_by_text("Draft saved.")).to_be_visible()
    assert order() == [first, third, *others]


def test_a_block_that_was_removed_can_be_added_again(log_in: LogIn) -> None:
    UserFactory(username="owner", password=PASSWORD, is_staff=True, is_superuser=True)
    page = log_in("owner", "/admin/blog/siteappearance/1/change/")
    page.get_by_role("button", name="Remove Categories").click()
    page.get_by_label("Another block").select_option(label="Categories")
    page.get_by_role("button", name="Add", exact=True).click()
    added = page.locator(".blocks > li").last
    expect(added.locator("summary")).to_have_text("Categories")
    expect(added.locator("summary")).to_be_focused()
    # A block that shows nothing until it is filled in is open.
    page.get_by_label("Another block").select_option(label="Links")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(added.get_by_label("Title")).to_be_focused()


def test_messages_and_errors_are_scrolled_into_view(log_in: LogIn) -> None:
    UserFactory(username="owner", password=PASSWORD, is_staff=True, is_superuser=True)
    page = log_in("owner", "/admin/blog/siteappearance/1/change/", viewport={"width": 360, "height": 640})
    page.get_by_label("Another block").select_option(label="Recent posts")
    with page.expect_navigation():
        page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".blocks > li").last).to_be_in_viewport()
    page.get_by_role("button", name="Add the links").click()
    expect(page.get_by_text("Choose a file first.")).to_be_in_viewport()
    colour = page.get_by_label("Accent colour", exact=True)
    colour.fill("#ff9900")
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("The nearest colour with enough contrast is #a26100.")).to_be_in_viewport()
    expect(colour).to_be_focused()


def test_leaving_with_unsaved_changes_requires_confirmation(log_in: LogIn) -> None:
    UserFactory(username="owner", password=PASSWORD, is_staff=True, is_superuser=True)
    page = log_in("owner", "/admin/blog/siteappearance/1/change/")
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    footer = page.get_by_label("Footer", exact=True)
    footer.fill("Words that took an evening")
    page.get_by_role("link", name="Dashboard").click(no_wait_after=True)
    expect(footer).to_have_value("Words that took an evening")
    page.get_by_role("button", name="Save draft", exact=True).click()
    expect(page.get_by_text("Draft saved.")).to_be_visible()
    page.get_by_role("link", name="Dashboard").click()
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    assert asked == ["beforeunload"]


def test_an_imported_menu_is_chosen_and_published(log_in: LogIn, faults: Faults) -> None:
    UserFactory(username="owner", password=PASSWORD, is_staff=True, is_superuser=True)
    for name in ("Old top", "Old end"):
        items = [{"title": f"{name} link", "url": "/x/"}]
        ImportedMenu.objects.create(site="https://old.example", key=name, name=name, items=items)
    page = log_in("owner", "/admin/blog/siteappearance/1/change/")
    choice = page.locator('select[name="footer_menu-from"]')
    choice.select_option(label="Old end")
    page.get_by_role("button", name="Use this menu Footer menu").click()
    expect(page.get_by_label("Footer menu", exact=True)).to_have_value("Old end link /x/")
    expect(page.get_by_label("Footer menu", exact=True)).to_be_in_viewport()
    assert faults(page) == ""
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("Appearance published.")).to_be_visible()
    page.goto("/")
    expect(page.get_by_role("navigation", name="Footer menu").get_by_role("link", name="Old end link")).to_be_visible()


@pytest.mark.parametrize(("language", "width"), [("en", 1280), ("ar", 320)])
def test_a_submenu_opens_below_its_line(
    language: str, width: int, open_page: OpenPage, faults: Faults, settings: Settings
) -> None:
    settings.LANGUAGE_CODE = language
    form = AppearanceForm({**default_document(), "header_menu": MENU})
    assert form.is_valid()
    versions.publish(form.cleaned_data, by=UserFactory(), seen="")
    page = open_page("/", viewport={"width": width, "height": 900})
    nav = page.locator(".masthead nav")
    about, topics = nav.locator("summary").all()
    inside, last = nav.get_by_role("link", name="Our team"), nav.get_by_role("link", name="Donate")
    expect(inside).to_be_hidden()

    def places(*found: Locator) -> list[tuple[float, ...]]:
        """Return the left and right edges, the top and the height of each."""
        boxes = [box for each in found if (box := each.bounding_box())]
        return [(box["x"], box["x"] + box["width"], box["y"], box["height"]) for box in boxes]

    before = places(about, topics, last)
    about.press("Enter")
    expect(inside).to_be_visible()
    opened = places(about, topics, last)
    # Nothing moves but what is below it.
    assert opened[0] == before[0]
    assert [(left, right) for left, right, _top, _height in opened] == [place[:2] for place in before]
    (panel,) = places(nav.locator("details[open] ul"))
    assert panel[:2] == places(nav)[0][:2]
    assert sum(opened[0][2:]) <= panel[2]
    assert all(place == old or place[2] > sum(panel[2:]) for place, old in zip(opened, before, strict=True))
    assert min(place[3] for place in places(about, topics, last, inside)) >= 24
    assert faults(page) == ""
    # Only one is open.
    topics.press("Space")
    expect(inside).to_be_hidden()
    expect(nav.get_by_role("link", name="Prizes")).to_be_visible()
    topics.press("Enter")
    assert places(about, topics, last) == before


def test_no_menu_is_wider_than_a_phone_with_large_text(open_page: OpenPage) -> None:
    form = AppearanceForm({**default_document(), "header_menu": MENU})
    assert form.is_valid()
    versions.publish(form.cleaned_data, by=UserFactory(), seen="")
    page = open_page("/")
    for width in range(180, 260, 2):
        page.set_viewport_size({"width": width, "height": 400})
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_links_from_a_file_become_a_block(log_in: LogIn, faults: Faults) -> None:
    UserFactory(username="owner", password=PASSWORD, is_staff=True, is_superuser=True)
    page = log_in("owner", "/admin/blog/siteappearance/1/change/")
    outline = '<outline title="Friends"><outline text="A friend" htmlUrl="https://friends.example/"/></outline>'
    content = f"<opml><body>{outline}</body></opml>".encode()
    page.get_by_label("Links from a file (OPML)").set_input_files(
        {"name": "links.opml", "mimeType": "text/x-opml", "buffer": content}
    )
    page.get_by_role("button", name="Add the links").click()
    expect(page.get_by_text("1 link is in a new block of the sidebar below.")).to_be_visible()
    assert faults(page) == ""
    page.get_by_role("button", name="Publish", exact=True).click()
    page.goto("/")
    expect(page.get_by_role("link", name="A friend")).to_be_visible()


@pytest.mark.parametrize("style", ["months", "select"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_archives_lead_to_the_chosen_month(
    style: str, language: str, open_page: OpenPage, faults: Faults, settings: Settings
) -> None:
    settings.LANGUAGE_CODE = language
    for month in (1, 3):
        PostFactory(published_at=at(2021, month, 4))
    options = {"blocks": [{"kind": "archives", "title": "", "options": {"style": style}}]}
    form = AppearanceForm({**default_document(), **options})
    assert form.is_valid()
    owner = UserFactory(is_staff=True, is_superuser=True)
    versions.publish(form.cleaned_data, by=owner, seen=versions.stamp(SiteAppearance.current()))
    page = open_page("/", viewport={"width": 320, "height": 800})
    assert faults(page) == ""
    if style == "months":
        page.locator(".months summary").click()
        page.locator('.months a[href="/2021/03/"]').click()
    else:
        page.locator('select[name="period"]').select_option("2021-03")
        page.locator(".choose button").click()
    page.wait_for_url("**/2021/03/")
    assert faults(page) == ""
    assert page.context.cookies() == []


@pytest.mark.parametrize("look", LOOKS)
def test_every_look_is_accessible_on_every_screen(look: str, open_page: OpenPage, faults: Faults) -> None:
    owner = UserFactory(is_staff=True, is_superuser=True)
    filed = [CategoryFactory(name="Filed"), CategoryFactory(name="A category with a long name of many words")]
    post = PostFactory(title="A long post", source=BODY, categories=filed, tags=["one", "two"])
    PostFactory(title="عنوان", slug="arabic", source="كلمات أولى.", language="ar", sticky=True)
    form = AppearanceForm({**default_document(), **LOOKS[look]})
    assert form.is_valid(), form.errors
    versions.publish(form.cleaned_data, by=owner, seen=versions.stamp(SiteAppearance.current()))
    page = open_page("/")
    assert faults(page) == ""
    page.goto(post.get_absolute_url())
    assert faults(page) == ""


@pytest.mark.parametrize("width", [320, 1184, 1280, 1920])
def test_nothing_is_wider_than_the_window(width: int, open_page: OpenPage) -> None:
    owner = UserFactory(is_staff=True, is_superuser=True)
    post = PostFactory(title="A long post", source=BODY, categories=[CategoryFactory(name="Filed")])
    page = open_page("/", viewport={"width": width, "height": 800})
    for values in LOOKS.values():
        form = AppearanceForm({**default_document(), **values})
        assert form.is_valid()
        versions.publish(form.cleaned_data, by=owner, seen=versions.stamp(SiteAppearance.current()))
        for path in ("/", post.get_absolute_url()):
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (values, path)
