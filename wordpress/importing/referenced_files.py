"""The files that the texts of an export refer to, whether or not the export has items for them.

This includes pictures (`src`, `srcset`), audio, video and their posters, links to files, and URLs of files anywhere
else: on lines of their own, in styles, in shortcodes and in the comments of the block editor.
"""

import re
from collections.abc import Collection, Iterator
from html import unescape
from typing import Final, NamedTuple
from urllib.parse import urljoin

from core.http import host_of
from wordpress.importing.analysis import Analysis, reason_to_skip
from wordpress.importing.enclosures import files_of_plugins
from wordpress.importing.report import POSTS
from wordpress.legacy_urls.file_urls import FileURL, aliases_of, own_hosts, parse_file_url
from wordpress.markup.galleries import parse_ids
from wordpress.markup.tables import parse_rows
from wordpress.wxr.records import ENCLOSURE, FOOTNOTES, REUSABLE_BLOCK, TABLE, Item
from wordpress.wxr.values import plain_line

# The value of an attribute with the URLs of files, or a URL anywhere else. Starting with a single character and looking
# behind it is ten times as fast as starting with the names. WordPress.com has the original in `data-orig-file`, and
# scripts that load pictures late expect it in other attributes.
_REFERENCE = re.compile(
    r"""=(?:(?P<src>(?<=[\s"']src=))|(?<=[\s"']href=)|(?P<set>(?<=[\s"']srcset=))
          |(?P<picture>(?<=[\s"']poster=)|(?<=orig-file=)|(?<=data-src=)|(?<=lazy-src=)|(?<=data-original=)))
        \s*+(?:"(?P<double>[^"]*+)"|'(?P<single>[^']*+)'|(?P<bare>[^\s"'<>]++))
      | //(?P<elsewhere>[^\s"'<>()\[\]\\|]++)""",
    re.IGNORECASE | re.VERBOSE,
)
_SCHEME_BEFORE = re.compile(r"(?:^|[^\w:/])(https?:)?$", re.IGNORECASE)
# How many characters before an attribute are searched for the start of its tag.
_MAX_TAG: Final = 1000
# The separator between two URLs of a `srcset`.
_BETWEEN = re.compile(r"\s[0-9.]++[wxh]\s*+(?:,|$)|,\s")
# The end of a URL in running text, or in a quoted value that was escaped as HTML.
_END = re.compile(r"""["'<>]|[.,;:!?]+$""")
# The gallery shortcodes of page builders have other names.
_GALLERY = re.compile(
    r"""\[(?:gallery|slideshow|playlist|vc_\w+|et_pb_gallery)\s[^\[\]]*?\b(?:ids|include|gallery_ids|images?)\s*+=\s*+["']?([0-9][0-9,\s]*+)"""
)
# A picture in a widget of SiteOrigin.
_IN_WIDGET = re.compile(r"&quot;image&quot;:([0-9]++)")
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{2,5}\s*+(?:[?#]|$)")
_IGNORED = re.compile(r"[\t\n\r]")
_UPLOADS: Final = "/wp-content/uploads/"
_PAGES: Final = {".htm", ".html", ".php", ".js", ".css"}


class FileReferences(NamedTuple):
    """The files that an item refers to: in its texts, and in the comments on it. `id` is its `recorded_id`."""

    type: str
    id: int
    title: str
    files: tuple[FileURL, ...]
    # The IDs of the pictures that galleries show.
    picture_ids: tuple[int, ...]
    in_comments: tuple[FileURL, ...]

    def files_of(self, hosts: Collection[str]) -> list[FileURL]:
        """Return the files, each once. From comments, only files on the blog's own `hosts` are included.

        Comments show no pictures, and the files that commenters link to were not chosen by the blog.
        """
        own = [file for file in self.in_comments if not file.host or file.host in hosts]
        return list(dict.fromkeys((*self.files, *own)))


def find_references(item: Item) -> FileReferences | None:
    """Return the files that `item` refers to; None if there are none, or if none of its texts is imported.

    Takes time proportional to the length of the item.
    """
    if item.type not in {REUSABLE_BLOCK, TABLE} and reason_to_skip(item):
        return None
    content = item.content
    if item.type == TABLE:
        content = "\n".join(cell for row in parse_rows(content) for cell in row)
    meta = [value for key, value in item.meta if key in {FOOTNOTES, ENCLOSURE}]
    if item.type == POSTS:
        meta += [file.url for _key, file in files_of_plugins(item.meta)]
    files = {file: None for text in (content, item.excerpt, *meta) for file in find_files(text, item.link)}
    approved = (comment.content for comment in item.comments if comment.is_approved)
    in_comments = {file: None for text in approved for file in find_files(text, item.link)}
    listed = (*_GALLERY.findall(content), *_IN_WIDGET.findall(content))
    picture_ids = dict.fromkeys(picture_id for each in listed for picture_id in parse_ids(each))
    if not files and not in_comments and not picture_ids:
        return None
    title = plain_line(item.title)[:100]
    return FileReferences(item.type, item.recorded_id, title, tuple(files), tuple(picture_ids), tuple(in_comments))


def find_files(text: str, base_url: str = "") -> Iterator[FileURL]:
    """Yield the files that an HTML text from `base_url` refers to, including repetitions."""
    if "/" not in text:
        return
    for reference in _REFERENCE.finditer(text):
        if (elsewhere := reference["elsewhere"]) is not None:
            if scheme := _SCHEME_BEFORE.search(text, max(0, reference.start() - 7), reference.start()):
                url = _END.split(unescape(elsewhere), maxsplit=1)[0]
                yield from _files(f"{scheme[1] or 'https:'}//{url}", base_url, is_shown=False)
            continue
        value = unescape(reference["double"] or reference["single"] or reference["bare"] or "")
        if reference["set"] is not None:
            for url in _BETWEEN.split(value):
                yield from _files(url, base_url, is_shown=True)
        else:
            is_shown = reference["picture"] is not None or (
                reference["src"] is not None and _is_in_image(text, reference.start())
            )
            yield from _files(value, base_url, is_shown=is_shown)


def blog_hosts(analysis: Analysis, site: str) -> set[str]:
    """Return the hosts of the export's blog, which is recorded as `site`, and those of this site."""
    return aliases_of(analysis.hosts | {host_of(site)}) | own_hosts()


def _is_in_image(text: str, position: int) -> bool:
    tag = text.rfind("<", max(0, position - _MAX_TAG), position)
    return tag >= 0 and text[tag + 1 : tag + 4].lower() == "img"


def _files(url: str, base_url: str, *, is_shown: bool) -> Iterator[FileURL]:
    """Yield the file at `url`, if it is one. Anything shown as a picture counts as a file, whatever its name."""
    if not is_shown and not _EXTENSION.search(url):
        # Most links lead to pages, and parsing these would take most of the time.
        return
    url = _IGNORED.sub("", url.strip())
    if not url or url.startswith("#"):
        return
    if url.startswith("//"):
        url = f"https:{url}"
    elif not url.startswith(("http", "/")) and host_of(base_url):
        try:
            url = urljoin(base_url, url)
        except ValueError:
            return
    file = parse_file_url(url)
    if file and (file.is_file or (is_shown and file.key) or _is_uploaded(file)):
        yield file


def _is_uploaded(file: FileURL) -> bool:
    extension = file.extension
    return bool(extension) and extension not in _PAGES and file.key.startswith(_UPLOADS)
