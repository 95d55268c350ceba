"""Reading feeds as feed readers do."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import feedparser
from django.test import Client
from lxml import html


@dataclass(frozen=True)
class Shown:
    """What a feed reader shows of a feed or an item: the text and the elements of each field."""

    texts: dict[str, str]
    elements: dict[str, set[str]]


def read_feed(client: Client, path: str) -> Any:
    """Return the feed at `path` as feedparser reads it, with its HTML unchanged."""
    feed = feedparser.parse(client.get(path).content, sanitize_html=False, resolve_relative_uris=False)
    assert not feed.bozo, feed.get("bozo_exception")
    return feed


def show_items(client: Client, path: str) -> list[Shown]:
    """Return what is shown of each item by a feed reader that treats all text as HTML, as many do."""
    return [_show(dict(_item_fields(item))) for item in read_feed(client, path).entries]


def show_feed(client: Client, path: str) -> Shown:
    """Return what such a feed reader shows of the feed itself."""
    feed = read_feed(client, path).feed
    return _show({"title": feed.title, "description": feed.get("subtitle", "")})


def _item_fields(item: Any) -> Iterator[tuple[str, str]]:
    yield "title", item.title
    yield "author", item.author
    yield "description", item.summary
    yield "content", item.content[0].value
    for tag in item.get("tags", []):
        yield f"category {tag.term}", tag.term


def _show(fields: dict[str, str]) -> Shown:
    # Parsed as if assigned to innerHTML.
    parsed = {name: html.fragment_fromstring(value, create_parent="div") for name, value in fields.items()}
    texts = {name: " ".join(root.text_content().split()) for name, root in parsed.items()}
    elements = {name: {element.tag for element in root.iterdescendants()} for name, root in parsed.items()}
    return Shown(texts, elements)
