"""Posts of a listing as HTML, with the order and the wording of the original site, and microformats (h-entry).

Or only their titles, of which hundreds fit on a page. The text that a listing adds to a post is in the language of the
post, if that ships.

The HTML is written in Python, because templates would take six times as long for all these links.
"""

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from html import escape
from sys import getsizeof
from typing import Final, NamedTuple

from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime
from django.utils.translation import get_language, get_language_bidi, gettext, ngettext, pgettext

from blog.appearance.looks import look_of
from blog.models import Post, load_pictures
from blog.rendering import MORE_PLACEHOLDER
from blog.rendering.images import picture_sources
from blog.rendering.reading_time import minutes_to_read
from blog.terms import Term, Terms, links_to, terms_of
from core.dates import format_day
from core.languages import override_language, separator
from core.memory import Recent
from core.models import SiteSettings
from core.registry import Registry
from media.models import Picture

# What comes after the categories of each post, such as the link to its comments. The functions must take no queries.
entry_links: Final[Registry[Callable[[Post, SiteSettings], SafeString]]] = Registry("listed post link")

# How many bytes of listed posts a process remembers, so that it doesn't have to render them again after each comment.
_MAX_BYTES: Final = 2 * 2**20
# The width of featured images in CSS pixels, as in .listed-picture of static/css/site.css.
_PICTURE_WIDTH: Final = 192


class _ListedPost(NamedTuple):
    """The HTML of a listed post `before` and `after` its links, which depend on comments."""

    before: str
    after: str
    has_categories: bool


def listed_posts(posts: Sequence[Post], site: SiteSettings, *, pinned: Collection[Post] = ()) -> SafeString:
    """Return `posts`, loaded by `for_listing`, as HTML. Takes at most two queries, and two more if they have images.

    `pinned` posts are labelled, because they are older than those that follow.
    """
    memory = site.remember(lambda: Recent[tuple[int, bool, bool], _ListedPost](_MAX_BYTES), "listed posts")
    look = look_of(site).appearance
    pictures = {post.pk: post.picture_in_lists(site) for post in posts} if look.list_pictures else {}
    first = next((post for post in posts if pictures.get(post.pk) or post.shows_image_in_lists(site)), None)
    keys = {post.pk: (post.pk, post in pinned, post is first) for post in posts}
    listed = {pk: memory.get(key) for pk, key in keys.items()}
    new = [post for post in posts if listed[post.pk] is None]
    load_pictures(post for post in new if post.shows_image_in_lists(site))
    terms = terms_of(new)
    parts = []
    for post in posts:
        with override_language(post.language):
            item = listed[post.pk]
            if item is None:
                picture = _picture(pictures.get(post.pk), is_first=post is first)
                post.leads_with_image = post is first and not picture
                item = _listed_post(post, terms[post.pk], site, picture, is_pinned=post in pinned)
                memory.add(keys[post.pk], item, getsizeof(item.before) + getsizeof(item.after))
            parts += [item.before, _with_links(post, site, [""] if item.has_categories else []), item.after]
    return mark_safe("".join(parts))  # noqa: S308  # every value is escaped, or HTML that was sanitised before it was stored


def _listed_post(post: Post, terms: Terms, site: SiteSettings, picture: str, *, is_pinned: bool) -> _ListedPost:
    attributes = interface_attributes()
    pin = f'<p class="pinned" {attributes}>{gettext("Pinned")}</p>\n' if is_pinned else ""
    language = f' lang="{escape(post.language)}"' if post.language else ""
    direction = post.direction
    before = (
        f'<article class="entry h-entry" id="post-{post.pk}"{language}{direction and f' dir="{direction}"'}>\n'
        f'{pin}<h2 class="entry-title p-name" id="post-{post.pk}-title" dir="{direction or "auto"}">'
        f'<a class="u-url" href="{escape(post.get_absolute_url())}">{escape(str(post))}</a></h2>\n'
        f"{_date_line(post, site, attributes)}{picture}"
        f'<div class="entry-body{_content_class(post, site)}">{post.text_in_lists(site)}</div>\n'
        f'<footer class="entry-meta" {attributes}><p>{_posted_in(terms.categories)}'
    )
    after = f"</p>{tags_line(terms.tags)}</footer>\n</article>\n"
    return _ListedPost(before, after, has_categories=bool(terms.categories))


def _picture(picture: Picture | None, *, is_first: bool) -> str:
    """Return a small featured image as HTML. The first image of a page is loaded eagerly."""
    if picture is None:
        return ""
    width = min(picture.width, _PICTURE_WIDTH)
    height = max(1, round(width * picture.height / max(1, picture.width)))
    sources = picture_sources(picture, width, is_lazy=not is_first)
    loading = 'loading="eager" fetchpriority="high"' if is_first else 'loading="lazy"'
    if sources and not is_first:
        # The sources may have `sizes="auto"` only if the image has it as well.
        loading += ' sizes="auto"'
    return (
        f"<picture>{sources}"
        f'<img class="listed-picture" src="{escape(picture.file.url)}" alt="{escape(picture.alt)}" '
        f'width="{width}" height="{height}" {loading}></picture>\n'
    )


def interface_attributes() -> str:
    """Return the language attributes of text about a post that is not part of the post itself."""
    return f'lang="{get_language()}" dir="{"rtl" if get_language_bidi() else "ltr"}"'


def posted_in_line(post: Post, categories: Sequence[Term], site: SiteSettings) -> str:
    """Return the line “Posted in … | 1 Comment »” as HTML. It begins with the comments if there are no `categories`."""
    return _with_links(post, site, [_posted_in(categories)] if categories else [])


def _posted_in(categories: Sequence[Term]) -> str:
    return f"{gettext('Posted in')} {links_to(categories, separator())}" if categories else ""


def _with_links(post: Post, site: SiteSettings, line: Sequence[str]) -> str:
    """Return a line with the links of a post at its end."""
    return " | ".join([*line, *(link(post, site) for link in entry_links.values())])


def tags_line(tags: Sequence[Term]) -> str:
    """Return the line “Tags: …” as HTML; an empty string if there are none."""
    return f'\n<p class="tags">{gettext("Tags:")} {links_to(tags, separator())}</p>' if tags else ""


def _content_class(post: Post, site: SiteSettings) -> str:
    """Return the microformats class that tells whether a listing has the whole text of a post or a part of it."""
    if post.is_locked:
        return ""
    is_part = MORE_PLACEHOLDER in post.lead_html or post.excerpt_in_lists(site)
    return " p-summary" if is_part else " e-content"


def _date_line(post: Post, site: SiteSettings, attributes: str) -> str:
    if post.published_at is None:
        return ""
    day = localtime(post.published_at)
    author = ""
    if site.show_author:
        author = f" {pgettext('an author', 'by')} {post.byline_html}"
    time = f'<time class="dt-published" datetime="{day.date().isoformat()}">{escape(format_day(day))}</time>'
    return f'<p class="entry-date" {attributes}>{time}{author}{_reading_time(post, site)}</p>\n'


def _reading_time(post: Post, site: SiteSettings) -> str:
    if not look_of(site).appearance.list_reading_time or post.is_locked or not post.word_count:
        return ""
    minutes = minutes_to_read(post.word_count)
    # No line ends after the number.
    text = ngettext("%(n)d min read", "%(n)d min read", minutes).replace(" ", "\u00a0", 1)
    return f" · {text % {'n': minutes}}"


def title_list(posts: Sequence[Post], categories: Mapping[int, Sequence[Term]]) -> SafeString:
    """Return a list of `posts` of one month, loaded by `for_titles`. `categories` are by post ID."""
    comma = separator()
    items = "".join(
        f"<li>{_time(post, str(day_of(post).day))} <div>{_link(post)}{_filed(categories[post.pk], comma)}</div></li>\n"
        for post in posts
    )
    return mark_safe(f'<ul class="titles" role="list">\n{items}</ul>\n')  # noqa: S308  # every value is escaped


def entry_list(posts: Sequence[Post], site: SiteSettings, *, pinned: Collection[Post] = ()) -> SafeString:
    """Return a list of `posts`, loaded by `for_titles`: a listing without texts. Takes two queries.

    Titles are headings, as in a listing, so that screen readers and other programs can jump from one to the next.

    `pinned` posts are labelled.
    """
    terms = terms_of(posts)
    items = []
    for post in posts:
        categories, tags = terms[post.pk]
        with override_language(post.language):
            pin = f'<p class="pinned" {interface_attributes()}>{gettext("Pinned")}</p>\n' if post in pinned else ""
            items.append(
                f'<li>{pin}<h2 id="post-{post.pk}-title">{_link(post)}</h2>\n'
                f'<div class="filed" {interface_attributes()}><p>{_time(post, escape(format_day(day_of(post))))}</p>\n'
                f"<p>{posted_in_line(post, categories, site)}</p>{tags_line(tags)}</div></li>\n"
            )
    return mark_safe(f'<ul class="entries" role="list">\n{"".join(items)}</ul>\n')  # noqa: S308  # as above


def day_of(post: Post) -> dt.date:
    """Return the day in the URL of a post. Every public post has one."""
    if post.published_on is None:
        raise ValueError("The post has no date.")
    return post.published_on


def _time(post: Post, text: str) -> str:
    return f'<time datetime="{day_of(post).isoformat()}">{text}</time>'


def _link(post: Post) -> str:
    url, language = escape(post.get_absolute_url()), f' lang="{escape(post.language)}"' if post.language else ""
    return f'<a href="{url}"{language} dir="{post.direction or "auto"}">{escape(str(post))}</a>'


def _filed(categories: Sequence[Term], comma: str) -> str:
    return f' <span class="filed">{links_to(categories, comma)}</span>' if categories else ""
