"""Pages, feeds and mails as documents, and what is found in them by a few kinds of CSS selector."""

import functools
import re
import xml.etree.ElementTree as ET
from typing import Any

from django.core.mail import EmailMessage
from django.test import Client
from lxml import html

ATOM = "{http://www.w3.org/2005/Atom}"

_STEP = re.compile(r"(?P<child>\s*>\s*|\s+)?(?P<simple>[^\s>]+)")
_PART = re.compile(r"(?P<tag>^[a-z][a-z0-9]*)|#(?P<id>[\w-]+)|\.(?P<class>[\w-]+)|\[(?P<name>[\w-]+)=(?P<value>\w+)\]")


@functools.cache
def _xpath(selector: str) -> str:
    path = "."
    for step in _STEP.finditer(selector):
        tag, conditions = "*", []
        for part in _PART.finditer(step["simple"]):
            tag = part["tag"] or tag
            if part["id"]:
                conditions.append(f"@id='{part['id']}'")
            if part["class"]:
                conditions.append(f"contains(concat(' ', normalize-space(@class), ' '), ' {part['class']} ')")
            if part["name"]:
                conditions.append(f"@{part['name']}='{part['value']}'")
        path += ("/" if ">" in (step["child"] or "") else "//") + tag + "".join(f"[{one}]" for one in conditions)
    return path


def read(response: Any) -> html.HtmlElement:
    """The whole page that the test client got."""
    return html.document_fromstring(response.content.decode())


def find(element: html.HtmlElement, selector: str) -> list[html.HtmlElement]:
    """All elements below `element` that match `tag`, `#id`, `.class`, `[name=value]`, joined by blanks or `>`."""
    found: list[html.HtmlElement] = element.xpath(_xpath(selector))
    return found


def one(element: html.HtmlElement, selector: str) -> html.HtmlElement:
    """The only element that matches."""
    (found,) = find(element, selector)
    return found


def text(element: html.HtmlElement) -> str:
    """What is read, its blanks squeezed."""
    return " ".join(element.text_content().split())


def text_of(markup: bytes | str) -> str:
    """What a reader sees of a page or a part of one, its blanks squeezed."""
    page = markup.decode() if isinstance(markup, bytes) else markup
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))


def message(response: Any) -> str:
    """The message that the admin shows after an action, without its button."""
    return text(one(read(response), "ul.messagelist")).removesuffix("Undo").strip()


def errors(response: Any) -> list[str]:
    """The lines of the summary above the form for comments."""
    summary = one(read(response), "#respond .errors")
    return [text(line) for line in find(summary, "li")]


def read_xml(client: Client, path: str) -> ET.Element:
    """Return the root of the feed or sitemap at `path`."""
    response = client.get(path)
    assert response.status_code == 200, path
    return ET.fromstring(response.content)


def fetch(client: Client, path: str, method: str = "get", **options: Any) -> Any:
    """Return the response with its whole `body`. Reading it closes the file."""
    response = getattr(client, method)(path, **options)
    response.body = b"".join(response) if response.streaming else response.content
    return response


def links(message: EmailMessage) -> list[str]:
    """The paths of all addresses of this site in the mail."""
    return re.findall(r"http://testserver(/\S+)", str(message.body))
