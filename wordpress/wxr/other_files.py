"""Files that people try to import although they are not WordPress exports: what they are, and what to do instead."""

import re
from collections.abc import Iterable
from typing import Final

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

# How many bytes at the beginning of a file say what it is.
_START: Final = 64 * 1024
PLAIN_FEED: Final = _(
    "This is a plain feed, not a WordPress export. Create an export in WordPress under Tools → Export."
)
_OF_PROGRAM: Final = _(
    "This is an export of {program}, and only exports of WordPress can be imported. Import it into WordPress, or use a "
    "converter that writes WordPress exports (WXR), and import what you get from there."
)
_DISQUS: Final = _(
    "These are comments of Disqus, and only exports of WordPress can be imported. If the blog is in WordPress, let the "
    "Disqus plugin copy the comments there, then create the export again."
)
_DATABASE: Final = _(
    "This is a copy of a database, not a WordPress export. Create an export in WordPress under Tools → Export. If the "
    "site is no longer there, restore the copy in a new WordPress first."
)
_LINKS: Final = _("This is a list of links (OPML), not a WordPress export. Add it to the sidebar under Appearance.")
_FILES: Final = _(
    "This is an archive of files, such as a media library, not a WordPress export. Unpack it on the server, and give "
    "its folder with --media when you import the export on the command line."
)
_BOM: Final = rb"(?:\xef\xbb\xbf)?\s*+"
_PROLOG: Final = _BOM + rb"(?:<\?xml[^>]*+>\s*+)?(?:<!--(?:[^-]|-(?!->))*+-->\s*+)*+"
# How a file begins, and what to say about it or which program has exported it. The first one counts.
_FILE_KINDS: Final = (
    (_PROLOG + rb"<disqus[\s>]", _DISQUS),
    (_PROLOG + rb"<feed\s.*?(?:schemas\.google\.com/blogger|tag:blogger\.com)", "Blogger"),
    (_PROLOG + rb"<feed\s[^>]*?http://www\.w3\.org/2005/Atom", PLAIN_FEED),
    (_PROLOG + rb"<opml[\s>]", _LINKS),
    (_PROLOG + rb"<(?:pma_xml_export|mysqldump)[\s>]", _DATABASE),
    (_PROLOG + rb"<tumblr[\s>]", "Tumblr"),
    (_PROLOG + rb"<(?:livejournal|ljdump)[\s>]", "LiveJournal"),
    (_PROLOG + rb"<blog\s[^>]*?blogml", "BlogML"),
    (_PROLOG + rb"<j2xml[\s>]", "Joomla"),
    (_BOM + rb"(?:--|/\*|(?:CREATE|DROP|INSERT|LOCK|SET|USE) ).*?(?:SQL|CREATE TABLE|INSERT INTO)\b", _DATABASE),
    (_BOM + rb'\{\s*+(?:"db"\s*+:\s*+\[\s*+\{\s*+)?"meta"\s*+:\s*+\{[^{}]*?"exported_on"', "Ghost"),
    (_BOM + rb"(?:[A-Z][A-Z ]*+:[^\n]*+\n){2,40}?-----", "Movable Type"),
    (rb"///DOTCLEAR\|", "Dotclear"),
    (rb".{257}ustar", _FILES),
)
# The same for the names of the files in an archive, sorted and one a line.
_ARCHIVE_KINDS: Final = (
    (r"(?:^|/)posts\.csv$", "Substack"),
    (r"(?:^|/)(?:bookmarks|claps|highlights)/[a-z]+-[0-9]+\.html$", "Medium"),
    (r"(?:^|/)(?:posts_index\.html|payload-[0-9]+\.json)$|(?:^|/)posts/html/", "Tumblr"),
    (r"\.sql(?:\.gz)?$", _DATABASE),
)


def describe_file(start: bytes) -> str:
    """Return what a file with this `start` is, and what to do with it; empty if it may be a WordPress export."""
    found = (text for pattern, text in _FILE_KINDS if re.match(pattern, start[:_START], re.DOTALL))
    return _describe(next(found, ""))


def describe_archive(names: Iterable[str]) -> str:
    """Return the same for an archive without exports that contains files with these `names`."""
    listed = "\n".join(sorted(names))
    found = (text for pattern, text in _ARCHIVE_KINDS if re.search(pattern, listed, re.MULTILINE))
    return _describe(next(found, ""))


def _describe(text: object) -> str:
    """Return the text about a file, given as such or as the name of a program."""
    return str(format_lazy(_OF_PROGRAM, program=text)) if isinstance(text, str) and text else str(text)
