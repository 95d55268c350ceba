"""Before the domain is switched: does this site answer at every address of an export, with what was there?"""

import datetime as dt
import http.client
import logging
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import quote, unquote, urljoin, urlsplit

from django.conf import settings

# Django's client of tests asks the site in this process, through all middleware: there is no other way to do that.
from django.test import Client
from django.utils.translation import gettext as _
from lxml import html

from comments.models import Kind
from tags.models import tag_key
from wordpress.plain import plain, usable_slug
from wordpress.reader import Export
from wordpress.records import CATEGORY, TAG, Item, Term, TermRef
from wordpress.survey import reason_to_skip

_APPROVED: Final = {"1", "approve", "approved"}
_PINGS: Final = {Kind.PINGBACK, Kind.TRACKBACK}
_MAX_STEPS: Final = 4
_MAX_TITLE_LENGTH: Final = 1000


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    location: str = ""
    body: bytes = b""


class Site(Protocol):
    def get(self, path: str) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Fault:
    """What is not right at an address."""

    kind: str
    id: int
    title: str
    address: str
    problem: str


@dataclass(slots=True)
class Verification:
    checked: int = 0
    faults: list[Fault] = field(default_factory=list)


class SiteHere:
    """The site in this process, asked without a network."""

    def __init__(self) -> None:
        host = urlsplit(settings.SITE_URL).netloc
        headers = {"host": host, **({"x-forwarded-proto": "https"} if settings.HTTPS else {})}
        self._client = Client(raise_request_exception=False, headers=headers)

    def get(self, path: str) -> Answer:
        logging.disable(logging.WARNING)
        try:
            response = self._client.get(path, secure=settings.HTTPS)
        finally:
            logging.disable(logging.NOTSET)
        return Answer(response.status_code, response.headers.get("Location", ""), response.content)


class SiteThere:
    """The site at `base`, asked over the network; no other host is ever asked."""

    def __init__(self, base: str, delay: float = 0) -> None:
        self._base = base.rstrip("/")
        self._delay = delay
        self._opener = urllib.request.build_opener(_NoRedirects)

    def get(self, path: str) -> Answer:
        time.sleep(self._delay)
        request = urllib.request.Request(self._base + path, headers={"User-Agent": "Broadside verify_import"})  # noqa: S310  # the command takes http and https only
        try:
            with self._opener.open(request, timeout=30) as response:
                return Answer(response.status, "", response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers.get("Location", ""))
        except (OSError, http.client.HTTPException, ValueError):
            return Answer(0)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def verify(
    paths: Iterable[Path], site: Site, *, now: dt.datetime, progress: Callable[[int, int], None] | None = None
) -> Verification:
    """Ask `site` for all that the exports hold. `now` is on the clock of the blog. Raises ExportRefused."""
    paths = list(paths)
    public: set[str] = set()
    numbers: set[int] = set()
    total = 0
    for record in _checkable(paths):
        total += 1
        if isinstance(record, Item) and _is_public(record, now):
            public.add(_address(record))
            numbers.add(record.id)
    found = Verification()
    for record in _checkable(paths):
        found.checked += 1
        if isinstance(record, Term):
            found.faults += _term_faults(site, record)
        elif _is_public(record, now):
            found.faults += _public_faults(site, record)
        else:
            found.faults += _hidden_faults(site, record, public, numbers)
        if progress:
            progress(found.checked, total)
    return found


def _checkable(paths: list[Path]) -> Iterator[Item | Term]:
    for path in paths:
        for record in Export(path).records():
            if isinstance(record, Item):
                if not reason_to_skip(record):
                    yield record
            elif isinstance(record, Term) and record.taxonomy in {CATEGORY, TAG} and usable_slug(record.slug):
                yield record


def _is_public(item: Item, now: dt.datetime) -> bool:
    date = item.date or item.date_gmt
    return item.status == "publish" and not item.password and date is not None and date <= now


def _address(item: Item) -> str:
    """The path where it was; where the export does not say, the path WordPress makes."""
    try:
        parts = urlsplit(item.link)
        path = quote(unquote(parts.path), safe="/")
        if path.strip("/"):
            return path if path.startswith("/") and not path.startswith("//") else ""
        if parts.query and not item.slug:
            return f"/?{quote(parts.query, safe='=&%')}"
    except ValueError:
        pass
    slug = quote(unquote(item.slug), safe="")
    if not slug or (item.type == "page" and item.parent):
        return ""
    day = item.date or item.date_gmt
    return f"/{slug}/" if item.type == "page" or day is None else f"/{day:%Y}/{day:%m}/{day:%d}/{slug}/"


def _follow(site: Site, path: str) -> tuple[Answer, str]:
    """What the site answers in the end, and where. A way to another host ends there."""
    answer = site.get(path)
    for _step in range(_MAX_STEPS):
        if not 300 <= answer.status < 400 or not answer.location:
            break
        try:
            parts = urlsplit(urljoin(path, answer.location))
        except ValueError:
            break
        path = quote(unquote(parts.path), safe="/") + (f"?{parts.query}" if parts.query else "")
        if parts.netloc and parts.netloc != urlsplit(settings.SITE_URL).netloc:
            break
        answer = site.get(path)
    return answer, path


def _public_faults(site: Site, item: Item) -> Iterator[Fault]:
    def fault(address: str, problem: str) -> Fault:
        return Fault(item.type, item.id, plain(item.title)[:100], address, problem)

    short = f"/?{'page_id' if item.type == 'page' else 'p'}={item.id}" if item.id else ""
    address = _address(item) or short
    if not address:
        yield fault("", _("The export does not say where it was."))
        return
    answer, place = _follow(site, address)
    if answer.status != 200:
        yield fault(address, _("It does not answer (status %d).") % answer.status)
        return
    if short and _follow(site, short)[1] != place:
        yield fault(short, _("The short address does not lead to it."))
    page = _Page(answer.body)
    title = plain(item.title)[:_MAX_TITLE_LENGTH]
    if title and page.title != " ".join(title.split()):
        yield fault(address, _("The title is “%s”.") % page.title)
    for ref in dict.fromkeys(item.terms) if item.type == "post" else ():
        if ref.taxonomy in {CATEGORY, TAG} and not page.is_filed(ref):
            kind = _("category") if ref.taxonomy == CATEGORY else _("tag")
            yield fault(address, _("The %(kind)s “%(name)s” is missing.") % {"kind": kind, "name": plain(ref.name)})
    wanted = [one for one in dict.fromkeys(item.comments) if one.approved in _APPROVED and one.type in Kind.values]
    # An owner may choose not to show pingbacks.
    without_pings = sum(one.type not in _PINGS for one in wanted)
    comments = _comments(site, page)
    if comments not in {len(wanted), without_pings}:
        numbers = {"here": comments, "there": len(wanted)}
        yield fault(address, _("It has %(here)d comments; in the export it has %(there)d.") % numbers)


def _comments(site: Site, page: "_Page") -> int:
    """How many comments there are on `page` and the further pages of a long thread."""
    number, asked = page.comments, {""}
    while page.further not in asked:
        asked.add(page.further)
        page = _Page(site.get(page.further).body)
        number += page.comments
    return number


def _hidden_faults(site: Site, item: Item, public: set[str], numbers: set[int]) -> Iterator[Fault]:
    short = f"/?p={item.id}" if item.id and item.id not in numbers else ""
    address = _address(item)
    for path in dict.fromkeys((address if address not in public else "", short)):
        if path and 200 <= site.get(path).status < 400:
            title = plain(item.title)[:100]
            yield Fault(item.type, item.id, title, path, _("It is not public, but readers can see it."))


def _term_faults(site: Site, term: Term) -> Iterator[Fault]:
    path = f"/{'category' if term.taxonomy == CATEGORY else 'tag'}/{quote(usable_slug(term.slug), safe='')}/"
    answer, _place = _follow(site, path)
    if answer.status != 200:
        kind = "category" if term.taxonomy == CATEGORY else "tag"
        yield Fault(kind, 0, plain(term.name)[:100], path, _("It does not answer (status %d).") % answer.status)


class _Page:
    """What readers see on the page of a post or page."""

    def __init__(self, body: bytes) -> None:
        tree: Any = html.document_fromstring(body or b"<p></p>", parser=html.HTMLParser(encoding="utf-8"))
        self.title = " ".join(" ".join(tree.xpath("string(//h1[contains(@class, 'entry-title')])").split()).split())
        self.comments = len(tree.xpath("//li[starts-with(@id, 'comment-')]"))
        further = tree.xpath("string(//nav[contains(@class, 'comment-pager')]//a[@rel='next']/@href)")
        # Of this site alone.
        self.further = further.partition("#")[0] if re.match("/[^/]", further) else ""
        self._names: set[tuple[str, str]] = set()
        self._slugs: set[tuple[str, str]] = set()
        for link in tree.xpath("//footer[contains(@class, 'entry-meta')]//a[@href]"):
            kind, _slash, rest = link.get("href").strip("/").partition("/")
            taxonomy = {"category": CATEGORY, "tag": TAG}.get(kind, "")
            self._slugs.add((taxonomy, unquote(rest.rsplit("/", 1)[-1])))
            self._names.add((taxonomy, tag_key(link.text_content())))

    def is_filed(self, ref: TermRef) -> bool:
        by_name = (ref.taxonomy, tag_key(plain(ref.name))) in self._names
        return by_name or (ref.taxonomy, usable_slug(ref.slug)) in self._slugs
