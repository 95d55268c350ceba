"""The font family that an owner can choose never shifts the text of a page that is being read."""

from typing import Any

import pytest
from playwright.sync_api import Page, Route

from blog.appearance import versions
from blog.appearance.documents import AppearanceForm, default_document
from blog.models import SiteAppearance
from tests.factories import PostFactory, UserFactory
from tests.factories.types import OpenPage

pytestmark = pytest.mark.django_db(transaction=True)

SENTENCE = "A *sentence* of **some** length about « l’été », mañana and Łódź, which goes on for more than one line. "
BODY = f"## One\n\n{SENTENCE * 20}\n\n> {SENTENCE * 3}\n\n1. {SENTENCE}\n2. {SENTENCE}\n"
# Measures how far the content of the page moves: the Cumulative Layout Shift.
OBSERVE = """window.moved = 0;
new PerformanceObserver((list) => { for (const shift of list.getEntries()) window.moved += shift.value; })
  .observe({ type: "layout-shift", buffered: true });"""
FONTS = "**/literata*.woff2"
LOADED = "Array.from(document.fonts).filter((font) => font.status === 'loaded').map((font) => font.family)"


@pytest.fixture
def path() -> str:
    owner = UserFactory(is_staff=True, is_superuser=True)
    post = PostFactory(title="A long title that needs two lines on a phone", source=BODY, language="en")
    form = AppearanceForm({**default_document(), "type_style": "literata"})
    assert form.is_valid()
    versions.publish(form.cleaned_data, by=owner, seen=versions.stamp(SiteAppearance.current()))
    return str(post.get_absolute_url())


def moved_on(page: Page, path: str) -> float:
    page.goto(path)
    page.wait_for_load_state("networkidle")
    page.evaluate("document.fonts.ready.then(() => new Promise(requestAnimationFrame))")
    return float(page.evaluate("window.moved"))


@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_moves_no_matter_when_the_font_arrives(width: int, path: str, open_page: OpenPage) -> None:
    page = open_page("/robots.txt", viewport={"width": width, "height": 800})
    page.add_init_script(OBSERVE)

    def delay(route: Route) -> None:
        # Longer than any browser waits for an optional font.
        page.wait_for_timeout(1_000)
        route.continue_()

    page.route(FONTS, lambda route: route.fulfill(status=404))
    assert moved_on(page, path) == 0
    page.unroute(FONTS)
    page.route(FONTS, delay)
    assert moved_on(page, path) == 0
    page.unroute(FONTS)
    for _ in range(2):
        assert moved_on(page, path) == 0
    assert "Literata" in page.evaluate(LOADED)


def test_only_fonts_that_are_used_are_loaded(path: str, open_page: OpenPage) -> None:
    plain, arabic = PostFactory(source="No emphasis.", language="en"), PostFactory(source="كلمات *أولى*", language="ar")
    page = open_page("/robots.txt")
    requested: list[str] = []
    page.on(
        "request", lambda request: requested.append(request.url.rpartition("/")[2]) if "woff2" in request.url else None
    )

    def loaded_on(path: str) -> Any:
        requested.clear()
        page.goto(path)
        # The layout requests the fonts.
        page.evaluate("document.body.offsetHeight && document.fonts.ready.then(() => null)")
        page.wait_for_load_state("networkidle")
        return sorted(name.partition(".")[0] for name in requested)

    assert loaded_on(arabic.get_absolute_url()) == []
    assert loaded_on(plain.get_absolute_url()) == ["literata"]
    assert "literata-italic" in loaded_on(path)
