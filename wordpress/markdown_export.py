"""Moving out to a static site: each post and page as Markdown with YAML front matter (Hugo, Pelican and the like)."""

import json
import re
import shutil
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from django.db.models import Prefetch
from django.utils import timezone
from django.utils.translation import gettext as _

from blog.models import Page, Post
from blog.rendering import MORE_PLACEHOLDER
from comments.models import Comment
from library.models import Document, Picture
from wordpress.sqlite import map_nothing

# Rows that refer to each other stay until Python looks for such, so a few at a time.
_CHUNK: Final = 50
_PLAIN_NAME = re.compile(r"[\w-]{1,60}")
# Names that Windows keeps for devices.
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)
# What YAML wants escaped and JSON does not escape. Source: YAML 1.2, 5.1.
_NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_PRE = re.compile(r"(<pre\b.*?</pre>)", re.DOTALL)
# What begins a piece of HTML that Markdown leaves alone. Source: CommonMark, HTML blocks, kind 6.
_BLOCK = re.compile(r"<(?:p|h[1-6]|div|ul|ol|dl|blockquote|figure|table|hr|details|section)\b")


def export_markdown(folder: Path, *, progress: Callable[[int, int], None], note: Callable[[str], None]) -> int:
    """Write all that readers can see, and what is hidden as drafts; returns the number of posts and pages.

    Texts stand below `folder/content`, media below `folder/static/media`, and approved comments, a file for each post
    or page that has some, below `folder/data/comments`.
    """
    map_nothing()
    total = Post.objects.count() + Page.objects.count()
    done = 0
    approved = Comment.objects.approved().select_related("user").order_by("created_at", "pk")
    comments: Prefetch[Any] = Prefetch("comments", approved, to_attr="shown")
    posts = (
        Post.objects.order_by("pk")
        .select_related("author")
        .prefetch_related("categories", "tags", "enclosures", comments)
    )
    pages = Page.objects.order_by("pk").select_related("author").prefetch_related(comments)
    for entries in (posts, pages):
        for entry in entries.iterator(_CHUNK):
            place = _place(entry)
            _write(folder / "content" / place, _front_matter(entry) + _body(entry))
            if entry.shown:
                _write(folder / "data" / "comments" / place.with_suffix(".json"), _comments(entry.shown))
            done += 1
            progress(done, max(done, total))
    for model in (Picture, Document):
        for upload in model._default_manager.order_by("pk").iterator(_CHUNK):
            name = str(upload.file.name)
            target = (folder / "static" / "media" / name).resolve()
            if not target.is_relative_to((folder / "static" / "media").resolve()):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with upload.file.open("rb") as source, target.open("wb") as copy:
                    shutil.copyfileobj(source, copy)
            except OSError as error:
                note(_("%(name)s could not be copied: %(error)s") % {"name": name, "error": error})
    return done


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", errors="replace", newline="\n")


def _comments(comments: Iterable[Comment]) -> str:
    """What readers see of comments, as the data files of Hugo hold it: no e-mail address is among it."""
    values = [
        {
            "id": comment.pk,
            "answers": comment.parent_id,
            "kind": comment.kind,
            "name": comment.author_name,
            "website": comment.website,
            "date": timezone.localtime(comment.created_at).isoformat(timespec="seconds"),
            "html": comment.html,
        }
        for comment in comments
    ]
    return json.dumps(values, ensure_ascii=False, indent=1) + "\n"


def _place(entry: Post | Page) -> Path:
    """Where an entry's file stands. No slug leads out of the folder, and no two entries meet on any system."""
    if isinstance(entry, Post):
        name, whole = _safe(entry.slug)
        if entry.published_on is None:
            return Path("posts", "drafts", f"post-{name}.{entry.pk}.md")
        day = entry.published_on
        return Path("posts", f"{day:%Y}", f"{day:%m}", f"{day:%d}-{name}{'' if whole else f'.{entry.pk}'}.md")
    *above, last = [_safe(part) for part in entry.path.split("/")]
    whole = last[1] and all(part[1] for part in above)
    return Path("pages", *(part[0] for part in above), f"{last[0]}{'' if whole else f'.{entry.pk}'}.md")


def _safe(slug: str) -> tuple[str, bool]:
    """`slug` as a file name, and whether it is still the slug."""
    ascii_alike = unicodedata.is_normalized("NFC", slug) and slug == slug.lower()
    if ascii_alike and _PLAIN_NAME.fullmatch(slug) and not _DEVICES.fullmatch(slug):
        return slug, True
    return "_" + re.sub(r"[^\w-]+", "-", unicodedata.normalize("NFC", slug).lower())[:60], False


def _front_matter(entry: Post | Page) -> str:
    values: dict[str, Any] = {"title": entry.title}
    moment = entry.published_at or entry.created_at
    values["date"] = timezone.localtime(moment).isoformat(timespec="seconds")
    values["lastmod"] = timezone.localtime(entry.modified_at).isoformat(timespec="seconds")
    values |= {"slug": entry.slug, "author": str(entry.author), "draft": not entry.is_public}
    if not isinstance(entry, Post) or entry.published_on:
        values["url"] = entry.get_absolute_url()
    if not entry.is_public:
        values["status"] = "scheduled" if entry.is_scheduled else str(entry.status)
    if entry.language:
        values["language"] = entry.language
    if entry.featured_picture:
        values["image"] = f"/media/{entry.featured_picture.file.name}"
    if entry.excerpt:
        values["description"] = entry.excerpt
    if isinstance(entry, Post):
        values |= {
            "categories": [category.name for category in entry.sorted_categories],
            "tags": [tag.name for tag in entry.sorted_tags],
            "aliases": [f"/?p={entry.pk}"],
        }
        if enclosures := entry.enclosures.all():
            values["enclosures"] = [
                {"url": each.url, "length": each.length, "type": each.media_type} for each in enclosures
            ]
    else:
        values |= {"weight": entry.menu_order, "aliases": [f"/?page_id={entry.pk}"]}
    return "---\n" + "".join(f"{name}: {_yaml(value)}\n" for name, value in values.items()) + "---\n\n"


def _yaml(value: object) -> str:
    """JSON, which is YAML too once what YAML holds for unprintable is escaped."""
    return _NOT_IN_YAML.sub(lambda sign: f"\\u{ord(sign[0]):04x}", json.dumps(value, ensure_ascii=False))


def _body(entry: Post | Page) -> str:
    if entry.markup == "markdown":
        return entry.source if entry.source.endswith("\n") else entry.source + "\n"
    body = entry.body_html.replace(MORE_PLACEHOLDER, "<!--more-->")
    body = "".join(_without_blank_lines(body))
    return f"{body}\n" if _BLOCK.match(body) or not body else f"<div>\n{body}\n</div>\n"


def _without_blank_lines(body: str) -> Iterator[str]:
    """At a blank line Markdown would begin to read the HTML as Markdown."""
    for part in _PRE.split(body):
        if part.startswith("<pre"):
            yield re.sub(r"\n(?=[ \t]*\n)", "&#10;", part)
        else:
            yield re.sub(r"\n\s*\n", "\n", part)
