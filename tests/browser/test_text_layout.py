"""How the lines and blocks of a text are set."""

from itertools import pairwise

import pytest
from pytest_django import Settings

from core.models import SiteSettings
from tests.factories import CategoryFactory, PostFactory, at
from tests.factories.types import OpenPage

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_number_of_a_footnote_is_never_alone_on_a_line(open_page: OpenPage) -> None:
    # In some of these sentences, the number doesn't fit at the end of the line.
    sentences = [f"{'a ' * 20}{'b' * length}.[^1]" for length in range(1, 20)]
    post = PostFactory(source="\n\n".join([*sentences, "[^1]: A note."]))
    page = open_page(post.get_absolute_url(), viewport={"width": 320, "height": 640})
    numbers_after_text = page.locator(".entry-body > p").evaluate_all("""paragraphs => paragraphs.map(paragraph => {
      const text = paragraph.firstChild, range = document.createRange();
      range.setStart(text, text.length - 1);
      range.setEnd(text, text.length);
      return paragraph.querySelector("a").getBoundingClientRect().left >= range.getBoundingClientRect().left;
    })""")
    assert numbers_after_text == [True] * len(sentences)


def test_the_items_of_nested_lists_are_evenly_spaced(open_page: OpenPage) -> None:
    page = open_page(PostFactory(source="- a\n  - b\n    - c\n  - d\n- e\n").get_absolute_url())
    tops = page.locator(".entry-body li").evaluate_all("items => items.map(item => item.getBoundingClientRect().top)")
    distances = {round(below - above) for above, below in pairwise(tops)}
    assert max(distances) - min(distances) <= 1


def test_a_long_gallery_is_printed_on_several_pages(open_page: OpenPage) -> None:
    images = [f"![{name}](/static/icons/broadside-512.png)" for name in "abcdefghij"]
    page = open_page(PostFactory(source="\n".join(images)).get_absolute_url())
    page.emulate_media(media="print")
    breaks = "figures => figures.map(figure => getComputedStyle(figure).breakInside)"
    assert page.locator("figure").evaluate_all(breaks) == ["auto", *["avoid"] * 10]


def test_drawings_without_a_background_are_visible_in_a_dark_design(open_page: OpenPage) -> None:
    images = [f"![A picture](/static/icons/{name})" for name in ("lines.png", "crowd.jpg")]
    page = open_page(PostFactory(source="\n\n".join(images)).get_absolute_url(), color_scheme="dark")
    looks = "images => images.map(image => getComputedStyle(image)).map(style => [style.backgroundColor, style.color])"
    text, paper = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.documentElement).backgroundColor]"
    )
    assert page.locator(".entry-body img").evaluate_all(looks) == [[text, paper], ["rgba(0, 0, 0, 0)", text]]


def test_wide_tables_and_tall_images_are_printed_as_a_whole(open_page: OpenPage) -> None:
    url = f"https://a.example/{'b' * 120}"
    source = f"| a | b | c |\n|---|---|---|\n| Words that wrap | Others | {url} |\n\n"
    source += f"{'| Case ' * 20}|\n{'|---' * 20}|\n{'| 1,234 ' * 20}|\n\n![Tall](/static/icons/broadside-512.png)\n"
    # As wide as the text on a sheet of paper, and not as high.
    page = open_page(PostFactory(source=source).get_absolute_url(), viewport={"width": 640, "height": 400})
    fit = """all => all.map(each =>
      each.scrollWidth <= each.parentElement.clientWidth && each.clientHeight <= innerHeight)"""
    wide = page.locator(".entry-body table, .entry-body img")
    assert wide.evaluate_all(fit) == [False] * 3
    page.emulate_media(media="print")
    assert wide.evaluate_all(fit) == [True] * 3
    # Words aren't divided.
    lines = page.locator("td", has_text="Others").evaluate("""cell => {
      const range = document.createRange();
      range.selectNodeContents(cell);
      return range.getClientRects().length;
    }""")
    assert lines == 1


def test_hidden_text_is_printed_but_no_player(open_page: OpenPage) -> None:
    source = "<details><summary>More</summary><p>Hidden</p></details><audio src='/media/a.mp3' controls></audio>"
    page = open_page(PostFactory(markup="html", source=source).get_absolute_url())
    shown = (
        "() => [...document.querySelectorAll('.entry-body :is(details p, audio)')].map(each => each.checkVisibility())"
    )
    assert page.evaluate(shown) == [False, True]
    page.emulate_media(media="print")
    assert page.evaluate(shown) == [True, False]


def test_the_words_of_a_title_stay_whole_with_large_text_on_a_small_screen(open_page: OpenPage) -> None:
    post = PostFactory(title="Responsibilities of everyone")
    # A phone whose text is twice as large as usual.
    page = open_page(post.get_absolute_url(), viewport={"width": 224, "height": 400})
    lines_of_words = page.locator("h1 a").evaluate("""link => link.textContent.trim().split(" ").map((word) => {
      const range = document.createRange(), start = link.firstChild.data.indexOf(word);
      range.setStart(link.firstChild, start);
      range.setEnd(link.firstChild, start + word.length);
      return range.getClientRects().length;
    })""")
    assert lines_of_words == [1, 1, 1]


def test_headings_in_arabic_have_room_above_and_below_their_letters(open_page: OpenPage) -> None:
    post = PostFactory(title="عنوان", source="## عنوان فرعي\n\nنص", language="ar")
    page = open_page(post.get_absolute_url())
    ratios = page.locator("h1, .entry-body h2").evaluate_all(
        "all => all.map(getComputedStyle).map(style => parseFloat(style.lineHeight) / parseFloat(style.fontSize))"
    )
    assert [round(ratio, 2) for ratio in ratios] == [1.45, 1.45]


def test_tables_and_code_are_as_far_from_the_text_below_as_paragraphs(open_page: OpenPage) -> None:
    page = open_page(PostFactory(source="a\n\nb\n\n| a |\n|---|\n| b |\n\nc\n\n    d\n\ne\n").get_absolute_url())
    distances = page.locator(".entry-body > *").evaluate_all("""all => all.slice(1).map((each, index) =>
      Math.round(each.getBoundingClientRect().top - all[index].getBoundingClientRect().bottom))""")
    assert max(distances) - min(distances) <= 1


def test_small_print_in_arabic_is_as_large_as_other_text(open_page: OpenPage, settings: Settings) -> None:
    page = open_page(PostFactory(language="ar").get_absolute_url())
    sizes = "all => all.map(each => getComputedStyle(each).fontSize)"
    assert set(page.locator(".entry-date, label, .sidebar a").evaluate_all(sizes)) == {"16px"}
    settings.LANGUAGE_CODE = "ar"
    PostFactory(language="en")
    page.goto("/")
    assert page.locator(":lang(en) > .entry-date, :lang(ar) > .entry-date").evaluate_all(sizes) == ["14px", "16px"]


def test_years_in_the_sidebar_are_in_columns_below_the_link_to_the_archive(open_page: OpenPage) -> None:
    for year in (2018, 2019):
        PostFactory(published_at=at(year, 1, 1))
    tops = "links => links.map(link => Math.round(link.getBoundingClientRect().top))"
    archive, newer, older = open_page("/").locator(".years a").evaluate_all(tops)
    assert archive < newer == older


def test_commas_between_categories_stay_with_their_names_in_the_archive(open_page: OpenPage) -> None:
    names = ("Human rights defenders in the Middle East", "Human rights defenders in Central Asia", "Prizes")
    PostFactory(categories=[CategoryFactory(name=name) for name in names])
    page = open_page("/archive/", viewport={"width": 320, "height": 640})
    # The bottom of each comma, and of the last line of the name before it.
    bottoms = page.locator(".titles .filed a:not(:last-child)").evaluate_all("""links => links.map(link => {
      const comma = document.createRange();
      comma.setStart(link.nextSibling, 0);
      comma.setEnd(link.nextSibling, 1);
      const text = document.createRange();
      text.selectNodeContents(link);
      return [comma, text].map(range => Math.round([...range.getClientRects()].at(-1).bottom));
    })""")
    assert len(bottoms) == 2
    assert all(comma == name for comma, name in bottoms), bottoms


def test_the_numbers_of_pages_stay_in_place_on_the_first_and_the_last_page(open_page: OpenPage) -> None:
    SiteSettings.objects.update_or_create(pk=1, defaults={"entries_per_page": 1})
    PostFactory.create_batch(3)
    page = open_page("/page/2/", viewport={"width": 768, "height": 600})
    left = "links => links.map(link => link.getBoundingClientRect().left)"
    numbers = page.locator(".pager ol a")
    before = numbers.evaluate_all(left)
    for missing in (".older", ".newer"):
        page.locator(missing).evaluate("link => link.remove()")
        assert numbers.evaluate_all(left) == before
