"""The pieces that a WordPress export (WXR 1.2) is made of.

Source: what WordPress writes (Tools, Export) and what its importer reads.
"""

import datetime as dt
import html
import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote
from xml.sax.saxutils import escape

from django.utils import timezone

from wordpress.originals import ADDRESS_KEY, readable

_NO_DATE: Final = "0000-00-00 00:00:00"

HEAD: Final = """\
<?xml version="1.0" encoding="UTF-8" ?>
<!-- generator="Broadside" -->
<rss version="2.0"
\txmlns:excerpt="http://wordpress.org/export/1.2/excerpt/"
\txmlns:content="http://purl.org/rss/1.0/modules/content/"
\txmlns:wfw="http://wellformedweb.org/CommentAPI/"
\txmlns:dc="http://purl.org/dc/elements/1.1/"
\txmlns:wp="http://wordpress.org/export/1.2/">
<channel>
"""


def item(
    title: str, link: str, creator: str, guid: str, content: str, excerpt: str, wp: dict[str, object], inside: list[str]
) -> str:
    return (
        f"\t<item>\n\t\t<title>{cdata(title)}</title>\n\t\t<link>{escape(readable(link))}</link>\n"
        f"\t\t<dc:creator>{cdata(creator)}</dc:creator>\n"
        f'\t\t<guid isPermaLink="false">{escape(readable(guid))}</guid>\n\t\t<description></description>\n'
        f"\t\t<content:encoded>{cdata(content)}</content:encoded>\n"
        f"\t\t<excerpt:encoded>{cdata(excerpt)}</excerpt:encoded>\n"
        f"\t\t{elements(wp)}\n{''.join(inside)}\t</item>\n"
    )


def elements(values: dict[str, Any]) -> str:
    return "".join(f"<wp:{name}>{cdata(str(value))}</wp:{name}>" for name, value in values.items())


def as_html(text: str) -> str:
    """Plain text as WordPress keeps names and descriptions. Line ends of Windows would not outlive the XML."""
    return html.escape(text, quote=False).replace("\r", "&#13;")


def meta_field(kind: str, key: str, value: str) -> str:
    return f"\t\t<wp:{kind}>{elements({'meta_key': key, 'meta_value': value})}</wp:{kind}>\n"


def cdata(text: str) -> str:
    return "<![CDATA[" + readable(text).replace("]]>", "]]]]><![CDATA[>") + "]]>"


def address_fields(kind: str, paths: Iterable[str]) -> str:
    """The meta fields that say where something was before (wordpress.originals)."""
    encoded = (path if path.startswith("/?") else quote(path, safe="/", errors="replace") for path in paths)
    return "".join(meta_field(kind, ADDRESS_KEY, path) for path in encoded)


def percent_encoded(slug: str) -> str:
    """`slug` as WordPress stores it: percent-encoded in small letters."""
    return re.sub("%[0-9A-F]{2}", lambda sign: sign[0].lower(), quote(slug, safe="", errors="replace"))


def local_time(moment: dt.datetime) -> dt.datetime:
    # The export does not say which of two hours a clock shows twice: readers take the first.
    return timezone.make_naive(moment).replace(fold=0)


def utc_time(moment: dt.datetime) -> dt.datetime:
    return moment.astimezone(dt.UTC).replace(tzinfo=None)


def text_of(moment: dt.datetime | None) -> str:
    return moment.isoformat(" ", "seconds") if moment else _NO_DATE


def exact(moment: dt.datetime | None) -> str | None:
    return moment.astimezone(dt.UTC).isoformat() if moment else None
