"""Export posts and pages as Markdown files with YAML front matter, for static site generators like Hugo and Pelican."""

import json
import re
import shutil
import unicodedata
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path
from typing import Any, Final

from django.db.models import Prefetch
from django.utils import timezone
from django.utils.translation import gettext as _

from blog.models import Page, Post
from blog.rendering import MORE_PLACEHOLDER
from comments.models import Comment
from media.models import Document, Picture
from wordpress.importing.database import disable_mmap

# Related rows form reference cycles, which stay in memory until the garbage collector runs. So only a few at a time.
_CHUNK_SIZE: Final = 50
_SAFE_NAME = re.compile(r"[\w-]{1,60}")
# File names that Windows reserves for devices.
_RESERVED_NAMES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)
# Characters that YAML requires to be escaped and JSON does not. Source: YAML 1.2, 5.1.
_NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_PRE = re.compile(r"(<pre\b.*?</pre>)", re.DOTALL)
# The start of an HTML block, which Markdown leaves alone. Source: CommonMark, HTML blocks, kind 6.
_HTML_BLOCK = re.compile(r"<(?:p|h[1-6]|div|ul|ol|dl|blockquote|figure|table|hr|details|section)\b")


def export_markdown(folder: Path, *, progress: Callable[[int, int], None], warn: Callable[[str], None]) -> int:
    """Write all posts and pages, and return how many there are. Those that not every reader sees are marked as drafts.

    Texts are written to `folder/content` and media to `folder/static/media`. Approved comments are written to
    `folder/data/comments`, to one file for each post or page that has any.
    """
    disable_mmap()
    approved = Comment.objects.approved().select_related("user").order_by("created_at", "pk")
    comments: Prefetch[Any] = Prefetch("comments", approved, to_attr="approved_comments")
    posts = Post.objects.prefetch_related("categories", "tags", "enclosures", comments)
    pages = Page.objects.prefetch_related(comments)
    total = posts.count() + pages.count()
    sources = [entries.select_related("author").iterate(_CHUNK_SIZE) for entries in (posts, pages)]
    done = 0
    for done, entry in enumerate(chain.from_iterable(sources), start=1):
        path = _file_path(entry)
        _write(folder / "content" / path, _front_matter(entry) + _body(entry))
        if entry.approved_comments:
            _write(folder / "data" / "comments" / path.with_suffix(".json"), _comments(entry.approved_comments))
        progress(done, max(done, total))
    _copy_media(folder / "static" / "media", warn)
    return done


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", errors="replace", newline="\n")


def _copy_media(folder: Path, warn: Callable[[str], None]) -> None:
    for model in (Picture, Document):
        for upload in model._default_manager.order_by("pk").iterator(_CHUNK_SIZE):
            name = str(upload.file.name)
            target = (folder / name).resolve()
            if not target.is_relative_to(folder.resolve()):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with upload.file.open("rb") as source, target.open("wb") as copy:
                    shutil.copyfileobj(source, copy)
            except OSError as error:
                warn(_("%(name)s could not be copied: %(error)s") % {"name": name, "error": error})


def _comments(comments: Iterable[Comment]) -> str:
    """Return what readers see of comments as a data file for Hugo. It contains no e-mail addresses."""
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


def _file_path(entry: Post | Page) -> Path:
    """Return the path of an entry's file, inside the folder and unique even on file systems that ignore case."""
    slugs = [entry.slug] if isinstance(entry, Post) else entry.path.split("/")
    *folders, name = names = [_safe_name(slug) for slug in slugs]
    suffix = ".md" if names == slugs else f".{entry.pk}.md"
    if not isinstance(entry, Post):
        return Path("pages", *folders, f"{name}{suffix}")
    if (day := entry.published_on) is None:
        return Path("posts", "drafts", f"post-{name}.{entry.pk}.md")
    return Path("posts", f"{day:%Y}", f"{day:%m}", f"{day:%d}-{name}{suffix}")


def _safe_name(slug: str) -> str:
    """Return `slug` if it is safe as a file name, otherwise a similar name that others may have too."""
    is_normalized = unicodedata.is_normalized("NFC", slug) and slug == slug.lower()
    if is_normalized and _SAFE_NAME.fullmatch(slug) and not _RESERVED_NAMES.fullmatch(slug):
        return slug
    return "_" + re.sub(r"[^\w-]+", "-", unicodedata.normalize("NFC", slug).lower())[:60]


def _front_matter(entry: Post | Page) -> str:
    # Static sites cannot ask for a password.
    is_for_everyone = entry.is_public and not entry.password
    values: dict[str, Any] = {"title": entry.title}
    values["date"] = timezone.localtime(entry.published_at or entry.created_at).isoformat(timespec="seconds")
    values["lastmod"] = timezone.localtime(entry.modified_at).isoformat(timespec="seconds")
    values |= {"slug": entry.slug, "author": str(entry.author), "draft": not is_for_everyone}
    if not isinstance(entry, Post) or entry.published_on:
        values["url"] = entry.get_absolute_url()
    if not entry.is_public:
        values["status"] = "scheduled" if entry.is_scheduled else str(entry.status)
    if entry.password:
        values["password"] = entry.password
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
    """Return `value` as JSON, which is also YAML once the characters that YAML regards as unprintable are escaped."""
    return _NOT_IN_YAML.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))


def _body(entry: Post | Page) -> str:
    if entry.markup == "markdown":
        return entry.source if entry.source.endswith("\n") else entry.source + "\n"
    body = entry.body_html.replace(MORE_PLACEHOLDER, "<!--more-->")
    # After a blank line, Markdown would no longer treat the HTML as HTML.
    body = "".join(
        re.sub(r"\n(?=[ \t]*\n)", "&#10;", part) if part.startswith("<pre") else re.sub(r"\n\s*\n", "\n", part)
        for part in _PRE.split(body)
    )
    return f"{body}\n" if _HTML_BLOCK.match(body) or not body else f"<div>\n{body}\n</div>\n"
