"""Reading the metadata of pages as programs do, and checking it against its formats."""

import datetime as dt
import re
import xml.etree.ElementTree as ET
from typing import Any
from urllib.parse import urlsplit

import mf2py
from django.test import Client
from extruct.jsonld import JsonLdExtractor

from tests.factories.responses import ATOM, read

SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
IMAGE = "{http://www.google.com/schemas/sitemap-image/1.1}"
NEWS = "{http://www.google.com/schemas/sitemap-news/0.9}"
XHTML = "{http://www.w3.org/1999/xhtml}"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
# Dates and times in the formats of W3C (ISO 8601), RFC 3339 and RFC 822.
_W3C_DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?")
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_RFC_822 = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_HREFLANG = re.compile(rf"{_LANGUAGE.pattern}|x-default")


def json_ld(client: Client, path: str) -> dict[str, Any]:
    """Return the nodes of the JSON-LD at `path` by their type, as search engines read them."""
    found = JsonLdExtractor().extract(client.get(path).content.decode())
    nodes = [node for each in found for node in each.get("@graph", [each])]
    for each in found:
        assert each["@context"] == "https://schema.org"
    return {node["@type"]: node for node in nodes}


def meta(client: Client, path: str) -> dict[str, list[str]]:
    """Return the contents of the `meta` elements at `path` by their name or property."""
    found: dict[str, list[str]] = {}
    for element in read(client.get(path)).xpath("//meta[@content]"):
        name = element.get("property") or element.get("name") or ""
        found.setdefault(name, []).append(element.get("content"))
    return found


def links(client: Client, path: str) -> list[tuple[str, str, str]]:
    """Return the relation, type and URL of each link in the head of the page at `path`."""
    elements = read(client.get(path)).xpath("//head/link")
    return [(each.get("rel"), each.get("type", ""), each.get("href")) for each in elements]


def microformats(client: Client, path: str) -> list[dict[str, Any]]:
    """Return the microformats of the page at `path`."""
    items: list[dict[str, Any]] = mf2py.parse(doc=client.get(path).content.decode(), url=f"http://testserver{path}")[
        "items"
    ]
    return items


def check_feed(content: bytes) -> None:
    """Check the requirements of the W3C Feed Validation Service for RSS 2.0 and Atom."""
    root = ET.fromstring(content)
    if root.tag == "rss":
        _check_rss(root)
    else:
        _check_atom(root)


def _check_rss(root: ET.Element) -> None:
    assert root.get("version") == "2.0"
    channel = root.find("channel")
    assert channel is not None
    for name in ("title", "link", "description", "language", "lastBuildDate"):
        assert len(channel.findall(name)) == 1, name
    assert _RFC_822.fullmatch(channel.findtext("lastBuildDate") or "")
    assert len([link for link in channel.findall(f"{ATOM}link") if link.get("rel") == "self"]) == 1
    items = channel.findall("item")
    ids = [item.findtext("guid") for item in items]
    assert None not in ids
    assert len(ids) == len(set(ids))
    for item in items:
        assert item.findtext("title") or item.findtext("description")
        assert _is_absolute(item.findtext("link"))
        assert _RFC_822.fullmatch(item.findtext("pubDate") or "")
        for enclosure in item.findall("enclosure"):
            assert {"url", "length", "type"} <= enclosure.attrib.keys()


def _check_atom(root: ET.Element) -> None:
    assert root.tag == f"{ATOM}feed"
    entries = root.findall(f"{ATOM}entry")
    for element in (root, *entries):
        for name in ("title", "id", "updated"):
            assert len(element.findall(f"{ATOM}{name}")) == 1, name
        assert _is_absolute(element.findtext(f"{ATOM}id"))
        assert _RFC_3339.fullmatch(element.findtext(f"{ATOM}updated") or "")
        # An entry without content has a link to it, and either it or the feed has an author.
        assert [link for link in element.findall(f"{ATOM}link") if link.get("rel", "alternate") == "alternate"]
    assert len([link for link in root.findall(f"{ATOM}link") if link.get("rel") == "self"]) == 1
    for entry in entries:
        assert entry.findtext(f"{ATOM}author/{ATOM}name")
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert len(ids) == len(set(ids))


def check_json_feed(feed: Any) -> None:
    """Check a feed against JSON Feed 1.1: only the specified keys, with values of their types."""
    _check_keys(
        feed,
        {"version", "title", "items", "home_page_url", "feed_url"},
        dict.fromkeys(("description", "language", "icon", "favicon"), str)
        | {"authors": list, "hubs": list, "expired": bool},
    )
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert isinstance(feed["title"], str)
    assert _LANGUAGE.fullmatch(feed.get("language", "en"))
    assert _is_absolute(feed["feed_url"])
    assert _is_absolute(feed["home_page_url"])
    for hub in feed.get("hubs", []):
        _check_keys(hub, {"type", "url"}, {})
    ids = [item["id"] for item in feed["items"]]
    assert len(ids) == len(set(ids))
    for item in feed["items"]:
        _check_json_item(item)


def _check_json_item(item: Any) -> None:
    texts = (
        *("url", "external_url", "title", "content_text", "summary", "image", "banner_image"),
        *("date_published", "date_modified", "language"),
    )
    _check_keys(
        item,
        {"id", "content_html"},
        dict.fromkeys(texts, str) | dict.fromkeys(("authors", "tags", "attachments"), list),
    )
    assert isinstance(item["id"], str)
    assert item["id"]
    assert isinstance(item["content_html"], str)
    for name in ("url", "image"):
        assert _is_absolute(item.get(name, "https://a.example/"))
    for name in ("date_published", "date_modified"):
        assert _RFC_3339.fullmatch(item[name])
    for author in item.get("authors", []):
        _check_keys(author, set(), {"name": str, "url": str, "avatar": str})
        assert author
    assert all(isinstance(tag, str) for tag in item.get("tags", []))
    for attachment in item.get("attachments", []):
        _check_keys(attachment, {"url", "mime_type"}, {"title": str, "size_in_bytes": int, "duration_in_seconds": int})


def _check_keys(values: Any, required: set[str], optional: dict[str, type]) -> None:
    assert isinstance(values, dict)
    assert required <= values.keys() <= required | optional.keys()
    for name, kind in optional.items():
        assert isinstance(values.get(name, kind()), kind), name


def check_urlset(root: ET.Element) -> None:
    """Check a sitemap against the schema of sitemaps.org, and Google's schemas for images and news."""
    assert root.tag == f"{SITEMAP}urlset"
    assert 0 < len(root) <= 50_000
    order = ["loc", "lastmod", "changefreq", "priority"]
    for url in root:
        assert url.tag == f"{SITEMAP}url"
        names = [child.tag.removeprefix(SITEMAP) for child in url]
        own = [name for name in names if "{" not in name]
        # Each element at most once, in this order, and before elements of other schemas.
        assert own == [name for name in order if name in own]
        assert names[: len(own)] == own
        location = url.findtext(f"{SITEMAP}loc") or ""
        assert _is_absolute(location)
        assert 12 <= len(location) <= 2048
        assert _W3C_DATE.fullmatch(url.findtext(f"{SITEMAP}lastmod") or "2020-01-01")
        for image in url.findall(f"{IMAGE}image"):
            assert [child.tag for child in image] == [f"{IMAGE}loc"]
            assert _is_absolute(image[0].text)
        for link in url.findall(f"{XHTML}link"):
            assert link.get("rel") == "alternate"
            assert _HREFLANG.fullmatch(link.get("hreflang", ""))
            assert _is_absolute(link.get("href"))
        for news in url.findall(f"{NEWS}news"):
            assert [child.tag.removeprefix(NEWS) for child in news] == ["publication", "publication_date", "title"]
            assert [child.tag.removeprefix(NEWS) for child in news[0]] == ["name", "language"]
            assert re.fullmatch(r"zh-cn|zh-tw|[a-z]{2,3}", news[0][1].text or "")
            assert dt.datetime.fromisoformat(news[1].text or "").tzinfo is not None
            assert news[2].text


def _is_absolute(url: str | None) -> bool:
    return bool(url) and bool(urlsplit(str(url)).scheme) and not re.search(r"\s", str(url))
