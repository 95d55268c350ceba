"""Parsing pages, feeds and mails, and finding elements in them with simple CSS selectors."""

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
    """Parse the page in the response of a test client."""
    return html.document_fromstring(response.content.decode())


def find(element: html.HtmlElement, selector: str) -> list[html.HtmlElement]:
    """Return all descendants that match a selector of `tag`, `#id`, `.class` and `[name=value]`, spaces and `>`."""
    found: list[html.HtmlElement] = element.xpath(_xpath(selector))
    return found


def one(element: html.HtmlElement, selector: str) -> html.HtmlElement:
    """Return the only element that matches."""
    (match,) = find(element, selector)
    return match


def text(element: html.HtmlElement) -> str:
    """Return the text of `element` with collapsed whitespace."""
    return " ".join(element.text_content().split())


def text_of(markup: bytes | str) -> str:
    """Return the text of a page or a part of one, with collapsed whitespace."""
    page = markup.decode() if isinstance(markup, bytes) else markup
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))


def message(response: Any) -> str:
    """Return the message that the admin shows after an action, without its Undo button."""
    return text(one(read(response), "ul.messagelist")).removesuffix("Undo").strip()


def errors(response: Any) -> list[str]:
    """Return the lines of the error summary above the comment form."""
    summary = one(read(response), "#respond .errors")
    return [text(line) for line in find(summary, "li")]


def read_xml(client: Client, path: str) -> ET.Element:
    """Return the root of the feed or sitemap at `path`."""
    response = client.get(path)
    assert response.status_code == 200, path
    return ET.fromstring(response.content)


def fetch(client: Client, path: str, method: str = "get", **options: Any) -> Any:
    """Return the response, with its whole content as `body`. Reading the content closes the file."""
    response = getattr(client, method)(path, **options)
    response.body = b"".join(response) if response.streaming else response.content
    return response


def links(message: EmailMessage) -> list[str]:
    """Return the paths of all links to this site in the mail."""
    return re.findall(r"http://testserver(/\S+)", str(message.body))
