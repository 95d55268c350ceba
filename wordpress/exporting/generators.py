"""The static site generators: where each expects its files, how it reads their metadata, and its configuration."""

import datetime as dt
import html
import json
import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import unquote

from django.conf import settings
from django.utils import timezone
from django.utils.timezone import get_default_timezone_name

from blog.models import Page, Post
from blog.rendering import MORE_PLACEHOLDER
from core.models import SiteSettings
from core.slugs import slugify

_SAFE_NAME = re.compile(r"[^\W_][\w-]{0,59}")
# File names that Windows reserves for devices, and that Hugo reserves for folders.
_RESERVED_NAMES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d|index)", re.IGNORECASE)
# Hexo itself, and the packages that its default theme needs for pages, lists and styles.
_HEXO_PACKAGES: Final = {
    "hexo": "^7.0.0",
    "hexo-generator-archive": "^2.0.0",
    "hexo-generator-category": "^2.0.0",
    "hexo-generator-index": "^3.0.0",
    "hexo-generator-tag": "^2.0.0",
    "hexo-renderer-ejs": "^2.0.0",
    "hexo-renderer-marked": "^6.0.0",
    "hexo-renderer-stylus": "^3.0.0",
    "hexo-theme-landscape": "^1.0.0",
}
# Characters that YAML requires to be escaped and JSON does not. Source: YAML 1.2, 5.1.
_NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_NOT_ASCII = re.compile("[^\0-~]")
_PRE = re.compile(r"(<pre\b.*?</pre>)", re.DOTALL)
# The start of an HTML block, which Markdown leaves alone. Source: CommonMark, HTML blocks, start condition 6.
_HTML_BLOCK = re.compile(r"<(?:p|h[1-6]|div|ul|ol|dl|blockquote|figure|table|hr|details|section)\b")


class Generator(ABC):
    """A static site generator. The class attributes are paths in the exported folder."""

    content_folder: ClassVar[str]
    media_folder: ClassVar[str]
    comments_folder: ClassVar[str]

    def path(self, entry: Post | Page) -> Path:
        """Return the path of the file for an entry, unique even on file systems that ignore case."""
        return Path(self.content_folder, _path(entry))

    def comments_path(self, entry: Post | Page) -> Path:
        """Return the path of the file with the comments on an entry."""
        return Path(self.comments_folder, _path(entry)).with_suffix(".json")

    @abstractmethod
    def metadata(self, entry: Post | Page) -> str:
        """Return the beginning of the file."""

    @abstractmethod
    def config(self, site: SiteSettings) -> dict[str, str]:
        """Return the configuration files, by name, that keep every public URL as it is."""

    def body(self, entry: Post | Page) -> str:
        """Return the text: the source if that is Markdown, otherwise HTML that Markdown leaves alone."""
        if entry.markup == "markdown":
            return entry.source if entry.source.endswith("\n") else entry.source + "\n"
        return html_body(entry)


class Hugo(Generator):
    """Source: gohugo.io, front matter, data sources and shortcodes."""

    content_folder, media_folder, comments_folder = "content", "static/media", "data/comments"

    def metadata(self, entry: Post | Page) -> str:
        values = front_matter(entry)
        if not isinstance(entry, Post) or entry.published_on:
            values["url"] = _url_path(entry)
        values["aliases"] = [f"/?p={entry.pk}" if isinstance(entry, Post) else f"/?page_id={entry.pk}"]
        if isinstance(entry, Page):
            values["weight"] = entry.menu_order
        return _yaml_block(values)

    def config(self, site: SiteSettings) -> dict[str, str]:
        values = {"baseURL": f"{settings.SITE_URL}/", "title": site.title, "timeZone": get_default_timezone_name()}
        lines = [f"{name} = {_toml(value)}\n" for name, value in values.items()]
        lines.append("\n# Texts may contain HTML.\n[markup.goldmark.renderer]\nunsafe = true\n")
        return {"hugo.toml": "".join(lines)}

    def body(self, entry: Post | Page) -> str:
        body = super().body(entry)
        # Hugo interprets its shortcodes even in code.
        return html_body(entry).replace("{{", "&#123;{") if "{{<" in body or "{{%" in body else body


class Pelican(Generator):
    """Source: docs.getpelican.com, file metadata and settings."""

    content_folder, media_folder, comments_folder = "content", "content/media", "comments"

    def metadata(self, entry: Post | Page) -> str:
        values = front_matter(entry)
        path = _url_path(entry).lstrip("/") if is_for_everyone(entry) else ""
        fields = {
            # Pelican skips files without a title, and themes do not escape titles.
            "title": html.escape(entry.title or entry.slug or str(entry.pk), quote=False),
            "date": values["date"],
            "modified": values["lastmod"],
            "slug": entry.slug or str(entry.pk),
            "url": path,
            "save_as": f"{path}index.html" if path else "",
            "author": html.escape(values["author"], quote=False),
            # Pelican would publish drafts in a folder of their own.
            "status": "published" if path else "skip",
            "lang": entry.language,
            "summary": html.escape(entry.excerpt, quote=False),
            "image": values.get("image", ""),
        }
        if isinstance(entry, Post):
            # Pelican takes one category. Tags are separated by semicolons because they may contain commas.
            fields["category"] = next(iter(values["categories"]), "")
            fields["tags"] = ";".join(name.replace(";", ",") for name in values["tags"])
            fields["tags"] += ";" if len(values["tags"]) == 1 else ""
        lines = [f"{name}: {' '.join(value.split())}\n" for name, value in fields.items() if value.strip()]
        return "".join(lines) + "\n"

    def config(self, site: SiteSettings) -> dict[str, str]:
        values = {
            "SITENAME": site.title,
            "SITEURL": settings.SITE_URL,
            "TIMEZONE": get_default_timezone_name(),
            "DEFAULT_LANG": settings.LANGUAGE_CODE,
            "PATH": "content",
            "STATIC_PATHS": ["media"],
            "PAGE_PATHS": ["pages"],
            "ARTICLE_PATHS": ["posts"],
            "CATEGORY_URL": "category/{slug}/",
            "CATEGORY_SAVE_AS": "category/{slug}/index.html",
            "TAG_URL": "tag/{slug}/",
            "TAG_SAVE_AS": "tag/{slug}/index.html",
            "AUTHOR_URL": "author/{slug}/",
            "AUTHOR_SAVE_AS": "author/{slug}/index.html",
        }
        lines = [f"{name} = {value!r}\n" for name, value in values.items()]
        # Posts from different days may have the same slug, and Pelican would take them for translations.
        lines.append("ARTICLE_TRANSLATION_ID = PAGE_TRANSLATION_ID = None\n")
        return {"pelicanconf.py": "".join(lines)}


class Eleventy(Generator):
    """Source: 11ty.dev, front matter data, permalinks and global data files."""

    content_folder, media_folder, comments_folder = "", "media", "_data/comments"

    def metadata(self, entry: Post | Page) -> str:
        is_written = is_for_everyone(entry)
        return _yaml_block(
            front_matter(entry)
            | {
                "permalink": _url_path(entry) if is_written else False,
                "eleventyExcludeFromCollections": not is_written,
                # Otherwise Liquid would interpret its tags in the URL and in the text.
                "dynamicPermalink": False,
                "templateEngineOverride": "md",
            }
        )

    def config(self, site: SiteSettings) -> dict[str, str]:
        package = {"private": True, "type": "module", "dependencies": {"@11ty/eleventy": "^3.0.0"}}
        return {
            "eleventy.config.js": "export default function (eleventyConfig) {\n"
            '  eleventyConfig.addPassthroughCopy("media");\n'
            f'  eleventyConfig.addGlobalData("site", {_json({"title": site.title, "url": settings.SITE_URL})});\n'
            "}\n",
            "package.json": json.dumps(package, indent=2) + "\n",
        }


class Hexo(Generator):
    """Source: hexo.io, front-matter, permalinks and data files."""

    content_folder, media_folder, comments_folder = "source", "source/media", "source/_data/comments"

    def path(self, entry: Post | Page) -> Path:
        folder = "_posts" if isinstance(entry, Post) else ""
        return Path(self.content_folder, folder if is_for_everyone(entry) else "_drafts", _path(entry))

    def metadata(self, entry: Post | Page) -> str:
        values = front_matter(entry)
        values["updated"] = values.pop("lastmod")
        values["disableNunjucks"] = True
        values["permalink"] = _url_path(entry).lstrip("/") if is_for_everyone(entry) else f"drafts/{entry.pk}/"
        if isinstance(entry, Post):
            # A plain list of names would mean a category and its children.
            values["categories"] = [[name] for name in values["categories"]]
        return _yaml_block(values)

    def config(self, site: SiteSettings) -> dict[str, str]:
        values = {
            "title": site.title,
            "url": settings.SITE_URL,
            "language": settings.LANGUAGE_CODE,
            "timezone": get_default_timezone_name(),
            "permalink": ":year/:month/:day/:title/",
            "theme": "landscape",
        }
        # Hexo recognises a folder as a site only by its `hexo` entry.
        package = {"private": True, "hexo": {"version": ""}, "dependencies": _HEXO_PACKAGES}
        return {
            "_config.yml": "".join(f"{name}: {_yaml(value)}\n" for name, value in values.items()),
            "package.json": json.dumps(package, indent=2) + "\n",
        }


GENERATORS: Final[Mapping[str, type[Generator]]] = {
    "hugo": Hugo,
    "pelican": Pelican,
    "eleventy": Eleventy,
    "hexo": Hexo,
}


def is_for_everyone(entry: Post | Page) -> bool:
    """Return whether every reader may see the text. Static sites can't ask for a password."""
    return entry.is_public and not entry.password


def front_matter(entry: Post | Page) -> dict[str, Any]:
    """Return the metadata of an entry that all generators read, under the names that most of them use."""
    values: dict[str, Any] = {
        "title": entry.title,
        "date": _iso(entry.published_at or entry.created_at),
        "lastmod": _iso(entry.modified_at),
        "slug": entry.slug,
        "author": entry.byline,
        "draft": not is_for_everyone(entry),
    }
    if not entry.is_public:
        values["status"] = "scheduled" if entry.is_scheduled else str(entry.status)
    if entry.password:
        values["password"] = entry.password
    if entry.language:
        values["language"] = entry.language
    if picture := entry.featured_picture and entry.featured_picture.shown:
        values["image"] = f"/media/{picture.file.name}"
        if picture.credit:
            values["image_credit"] = picture.credit
    if entry.excerpt:
        values["description"] = entry.excerpt
    if isinstance(entry, Post):
        values["categories"] = [category.name for category in entry.sorted_categories]
        values["tags"] = [tag.name for tag in entry.sorted_tags]
        if enclosures := entry.enclosures.all():
            values["enclosures"] = [
                {"url": each.url, "length": each.length, "type": each.media_type} for each in enclosures
            ]
    return values


def html_body(entry: Post | Page) -> str:
    """Return the rendered text as one HTML block."""
    body = entry.body_html.replace(MORE_PLACEHOLDER, "<!--more-->")
    # After a blank line, Markdown would no longer treat the HTML as HTML.
    body = "".join(
        re.sub(r"\n(?=[ \t]*\n)", "&#10;", part) if part.startswith("<pre") else re.sub(r"\n\s*\n", "\n", part)
        for part in _PRE.split(body)
    )
    return f"{body}\n" if _HTML_BLOCK.match(body) or not body else f"<div>\n{body}\n</div>\n"


def _url_path(entry: Post | Page) -> str:
    """Return the path of the entry's URL without percent-encoding, as a folder name."""
    return unquote(entry.get_absolute_url())


def _path(entry: Post | Page) -> Path:
    """Return the path of an entry's file in a folder for posts or for pages."""
    # Drafts may not have a slug yet.
    slugs = [entry.slug or slugify(entry.title)] if isinstance(entry, Post) else entry.path.split("/")
    *folders, name = names = [_safe_name(slug) for slug in slugs]
    suffix = ".md" if names == slugs else f".{entry.pk}.md"
    if not isinstance(entry, Post):
        return Path("pages", *folders, f"{name}{suffix}")
    if (day := entry.published_on) is None:
        return Path("posts", "drafts", f"post-{name}.{entry.pk}.md")
    return Path("posts", f"{day:%Y}", f"{day:%m}", f"{day:%d}-{name}{suffix}")


def _safe_name(slug: str) -> str:
    """Return `slug` if it is safe as a file name, otherwise a similar name that may not be unique."""
    if _is_safe(slug):
        return slug
    # No generator ignores files whose names start like this, and file systems allow at most 255 bytes.
    name = re.sub(r"[^\w-]+", "-", unicodedata.normalize("NFC", slug).lower())[:60]
    return "entry-" + name.encode()[:180].decode(errors="ignore")


def _is_safe(slug: str) -> bool:
    is_normalized = unicodedata.is_normalized("NFC", slug) and slug == slug.lower()
    return is_normalized and bool(_SAFE_NAME.fullmatch(slug)) and not _RESERVED_NAMES.fullmatch(slug)


def _iso(value: dt.datetime) -> str:
    return timezone.localtime(value).isoformat(timespec="seconds")


def _yaml_block(values: Mapping[str, object]) -> str:
    return "---\n" + "".join(f"{name}: {_yaml(value)}\n" for name, value in values.items()) + "---\n\n"


def _yaml(value: object) -> str:
    """Return `value` as JSON, which is also YAML once the characters that YAML considers unprintable are escaped."""
    return _NOT_IN_YAML.sub(lambda match: f"\\u{ord(match[0]):04x}", _json(value))


def _toml(value: str) -> str:
    """Return `value` as JSON in ASCII, which is also TOML as long as no character is written as two surrogates."""
    return _NOT_ASCII.sub(
        lambda match: f"\\U{ord(match[0]):08x}" if match[0] > "\uffff" else f"\\u{ord(match[0]):04x}", _json(value)
    )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
