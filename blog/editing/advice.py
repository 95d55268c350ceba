"""Advice on what to improve in a text before it is published. It never prevents anything.

Each check gets a `Draft`, saved or not, and yields a sentence for each suggestion. Apps above this one register their
own checks.
"""

import datetime as dt
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import Resolver404, ResolverMatch, resolve
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext
from lxml import etree

from blog import privacy
from blog.generated_pages import generated_pages
from blog.models import Category, Entry, Page, Post, Redirect, ReviewNote
from blog.models.redirect import normalise_path
from blog.rendering import SourceTooLongError, UnknownMarkupError, parse_source
from blog.rendering.directions import main_direction
from blog.rendering.images import library_file
from blog.rendering.tree import text_of
from blog.rendering.urls import file_name, is_web, normalise, normalise_own
from core.languages import in_quotes
from core.registry import Registry
from media.models import Picture

# Link texts that say nothing about where the links lead, in the languages that writers use most.
_VAGUE_TEXTS: Final = frozenset(
    {"here", "click here", "this", "link", "this link", "more", "read more", "hier", "klik hier", "klicken sie hier"}
    | {"ici", "cliquez ici", "aquí", "haz clic aquí", "aqui", "clique aqui", "qui", "clicca qui", "здесь", "тут", "هنا"}
)
_HEADING: Final = re.compile(r"h[1-6]")
_PAGE_NUMBER: Final = re.compile(r"(?:/page)?/[1-9][0-9]{0,8}$")
# The maximum numbers of links that are looked up, and of items that a sentence names.
_MAX_LINKS: Final = 500
_MAX_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry as it would be published. `root` is the parsed text as its author wrote it, before any repairs."""

    entry: Entry
    root: etree._Element
    categories: Collection[Category]
    tags: Collection[str]


@dataclass(frozen=True, slots=True)
class LibraryDescription:
    """The media library's alternative text for the image with this `url` in the text."""

    url: str
    alt: str
    thumbnail_url: str


@dataclass(frozen=True, slots=True)
class Advice:
    """A sentence for each suggestion, and descriptions that the author can take over."""

    sentences: list[str]
    descriptions: list[LibraryDescription]


def _find_problems(name: str, check: object) -> Iterator[str]:
    if not callable(check):
        yield "It is not callable."


advice_checks: Final[Registry[Callable[[Draft], Iterable[str]]]] = Registry("advice check", _find_problems)


def advice_for(entry: Entry, categories: Collection[Category], tags: Collection[str]) -> Advice:
    """Return advice on an entry; none if its text can't be rendered."""
    try:
        root = parse_source(entry.source, entry.markup, entry)
    except (SourceTooLongError, UnknownMarkupError):
        return Advice([], [])
    draft = Draft(entry, root, categories, tags)
    sentences = [sentence for check in advice_checks.values() for sentence in check(draft)]
    return Advice(sentences, _library_descriptions(draft))


def _library_descriptions(draft: Draft) -> list[LibraryDescription]:
    """Return the media library's descriptions of images that have none in the text. Takes at most one query."""
    if settings.MEDIA_URL not in draft.entry.source:
        return []
    urls = _undescribed_images(draft.root)
    names = {url: name for url in urls if (name := library_file(url))}
    described = Picture.objects.present().exclude(alt="").filter(file__in=set(names.values()))
    pictures = {str(picture.file.name): picture for picture in described}
    found = [(url, pictures[names[url]]) for url in urls if names.get(url) in pictures]
    return [LibraryDescription(url, picture.alt, picture.thumbnail_url) for url, picture in found]


def _undescribed_images(root: etree._Element) -> list[str]:
    """Return the URLs of the images that have no alternative text."""
    return [image.get("src") or "" for image in root.iter("img") if not (image.get("alt") or "").strip()]


def check_title(draft: Draft) -> Iterator[str]:
    if not draft.entry.title:
        yield gettext("There is no title.")


def check_images(draft: Draft) -> Iterator[str]:
    undescribed = _undescribed_images(draft.root)
    if undescribed:
        yield ngettext(
            "%(n)d image has no alternative text for people who can't see it: %(names)s.",
            "%(n)d images have no alternative text for people who can't see them: %(names)s.",
            len(undescribed),
        ) % {"n": len(undescribed), "names": _named(_image_names(undescribed))}
    elsewhere = [url for image in draft.root.iter("img") if (url := normalise(image.get("src") or "")) and is_web(url)]
    elsewhere = [url for url in elsewhere if not normalise_own(url)]
    if elsewhere:
        yield ngettext(
            "%(n)d image is on another site, so readers see a link in its place: %(names)s. Upload it here.",
            "%(n)d images are on other sites, so readers see links in their places: %(names)s. Upload them here.",
            len(elsewhere),
        ) % {"n": len(elsewhere), "names": _named(urlsplit(url).netloc for url in elsewhere)}
    picture = draft.entry.featured_picture
    if picture is not None and not picture.alt:
        yield gettext("The featured image has no alternative text for people who can't see it.")


def _image_names(urls: Collection[str]) -> list[str]:
    """Return what people call these images: their titles in the media library, or else the names of their files."""
    files = [library_file(url) for url in urls]
    pictures = Picture.objects.present().exclude(title="").filter(file__in=set(files) - {""})
    titles = {file: in_quotes(title) for file, title in pictures.values_list("file", "title")}
    return [titles.get(file) or file_name(normalise(url) or "") for url, file in zip(urls, files, strict=True)]


def check_headings(draft: Draft) -> Iterator[str]:
    # The title is the heading of the first level.
    previous = 1
    for element in draft.root.iter():
        if isinstance(element.tag, str) and _HEADING.fullmatch(element.tag):
            level = int(element.tag[1])
            if level > previous + 1:
                yield gettext("The heading “%(text)s” skips a level, so readers see it as level %(level)d.") % {
                    "text": _text_of(element),
                    "level": previous + 1,
                }
            previous = min(level, previous + 1)


def check_link_texts(draft: Draft) -> Iterator[str]:
    texts = [_text_of(link) for link in draft.root.iter("a") if link.get("href")]
    vague = [text for text in texts if text.casefold().strip(" .…»>:") in _VAGUE_TEXTS]
    if vague:
        yield ngettext(
            "%(n)d link doesn't say where it leads: %(names)s.",
            "%(n)d links don't say where they lead: %(names)s.",
            len(vague),
        ) % {"n": len(vague), "names": _named(map(in_quotes, vague))}


def check_links(draft: Draft) -> Iterator[str]:
    """Report links to posts and pages of this site that readers can't open. Takes at most three queries."""
    urls = [normalise_own(link.get("href") or "") for link in draft.root.iter("a")]
    paths = [normalise_path(urlsplit(url).path) for url in urls[:_MAX_LINKS] if url]
    # Not every site serves files through a view, and relative URLs depend on the future URL of the text.
    files = (settings.MEDIA_URL, settings.STATIC_URL)
    order = {path: index for index, path in enumerate(paths) if path.startswith("/") and not path.startswith(files)}
    broken = sorted(_broken(order), key=order.__getitem__)
    if broken:
        yield ngettext(
            "%(n)d link leads to nothing that readers can open: %(names)s.",
            "%(n)d links lead to nothing that readers can open: %(names)s.",
            len(broken),
        ) % {"n": len(broken), "names": _named(broken)}


def _broken(paths: Collection[str]) -> set[str]:
    """Return those of `paths` that lead nowhere. Other than posts and pages, anything with a view counts as valid."""
    matches = {path: match for path in paths if (match := _resolve(path))}
    posts = {path: _day_and_slug(match) for path, match in matches.items() if match.view_name.startswith("blog:post")}
    pages = {path: str(match.kwargs["path"]) for path, match in matches.items() if match.view_name == "blog:page"}
    pages = {path: page for path, page in pages.items() if not _is_generated(page)}
    days, slugs = {day for day, _slug in posts.values() if day}, {slug for _day, slug in posts.values()}
    found_posts = Post.objects.published().filter(published_on__in=days, slug__in=slugs)
    public_posts = set(found_posts.values_list("published_on", "slug"))
    candidates = {each for path in pages.values() for each in (path, _PAGE_NUMBER.sub("", path))}
    found_pages = Page.objects.published().filter(path__in=candidates)
    public_pages = set(found_pages.values_list("path", flat=True))
    broken = {path for path in paths if path not in matches}
    broken |= {path for path, key in posts.items() if key not in public_posts}
    broken |= {path for path, page in pages.items() if not {page, _PAGE_NUMBER.sub("", page)} & public_pages}
    slashed = {path: path if path.endswith("/") else f"{path}/" for path in broken}
    redirects = Redirect.objects.filter(path__in=[*slashed, *slashed.values()])
    moved = set(redirects.values_list("path", flat=True))
    return {path for path in broken if not {path, slashed[path]} & moved}


def _resolve(path: str) -> ResolverMatch | None:
    """Return the match of `path`, or of `path` with a slash, to which it redirects; None if neither has a view."""
    for form in (path, f"{path}/"):
        with suppress(Resolver404):
            return resolve(form)
    return None


def _is_generated(page: str) -> bool:
    return page == privacy.PATH or page.partition("/")[0] in generated_pages


def _day_and_slug(match: ResolverMatch) -> tuple[dt.date | None, str]:
    year, month, day, slug = (str(match.kwargs[name]) for name in ("year", "month", "day", "slug"))
    try:
        return dt.date(int(year), int(month), int(day)), slug
    except ValueError:
        return None, slug


def check_categories(draft: Draft) -> Iterator[str]:
    if isinstance(draft.entry, Post) and not draft.categories:
        yield gettext("There is no category.")


def check_notes(draft: Draft) -> Iterator[str]:
    count = ReviewNote.objects.open().filter(entry=draft.entry.pk).count() if draft.entry.pk else 0
    if count:
        yield ngettext("There is %(n)d open note.", "There are %(n)d open notes.", count) % {"n": count}


def check_language(draft: Draft) -> Iterator[str]:
    if not draft.entry.language:
        yield gettext("The language is not set. It decides how the text is read aloud, and its direction.")
    elif main_direction(text_of(draft.root)) == {"ltr": "rtl", "rtl": "ltr"}.get(draft.entry.direction):
        yield gettext(
            "The language is set to one that is written in the other direction. Set the language of the text."
        )


CHECKS: Final = {
    "blog.title": check_title,
    "blog.images": check_images,
    "blog.headings": check_headings,
    "blog.link_texts": check_link_texts,
    "blog.links": check_links,
    "blog.categories": check_categories,
    "blog.language": check_language,
    "blog.notes": check_notes,
}


def _text_of(element: etree._Element) -> str:
    """Return the text of an element on one line."""
    return Truncator(" ".join(text_of(element).split())).chars(60)


def _named(names: Iterable[str]) -> str:
    """Return the first few distinct `names`, separated by commas, whose direction doesn't affect the sentence."""
    distinct = list(dict.fromkeys(name for name in names if name))
    more = ["…"] if len(distinct) > _MAX_NAMED else []
    # UAX 9, FSI and PDI: in an Arabic sentence, the parts of a path would be in reverse order.
    isolated = [f"\u2068{Truncator(name).chars(60)}\u2069" for name in distinct[:_MAX_NAMED]]
    return gettext(", ").join([*isolated, *more])
