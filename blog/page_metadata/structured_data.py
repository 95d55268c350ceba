"""Structured data for programs in the vocabulary of schema.org, as JSON-LD, which no browser executes."""

import datetime as dt
import json
from collections.abc import Callable, Iterable
from typing import Any, Final

from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime
from django.utils.translation import get_language

from accounts.models import User
from blog.models import Entry, Post
from blog.page_metadata.lead_pictures import LeadPicture
from blog.terms import Term, Terms
from core.models import SiteSettings
from core.registry import Registry
from core.site import absolute_url

type Node = dict[str, Any]

# What readers can do on the whole site, such as search it, by the app that provides it.
site_actions: Final[Registry[Callable[[], Node]]] = Registry("site action")

# Escaped so that no text can end the element, or begin a comment in it. U+2028 and U+2029 end lines in scripts.
_ESCAPES: Final = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


def json_ld(nodes: Iterable[Node]) -> SafeString:
    """Return these nodes as an element for the head of a page; an empty string if there are none."""
    graph = list(nodes)
    if not graph:
        return SafeString()
    data = {"@context": "https://schema.org", **(graph[0] if len(graph) == 1 else {"@graph": graph})}
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).translate(_ESCAPES)
    return mark_safe(f'<script type="application/ld+json">{text}</script>')  # noqa: S308  # escaped above


def timestamp(time: dt.datetime) -> str:
    """Return a time in ISO 8601 format, in the site's time zone."""
    return localtime(time).isoformat(timespec="seconds")


def changed_at(entry: Entry) -> dt.datetime:
    """Return when the text last changed for readers, as the page of a post shows it, or else when it was published.

    Everything that programs read has this time: corrections, new tags and the like are no reason to read it again.
    """
    return entry.updated_at or entry.published_at or entry.modified_at


def web_site(site: SiteSettings) -> Node:
    """Return the node of the site itself, for its front page."""
    return _node(
        "WebSite",
        name=site.title,
        description=site.tagline,
        url=absolute_url("/"),
        inLanguage=get_language(),
        potentialAction=[action() for action in site_actions.values()],
    )


def blog_posting(post: Post, terms: Terms, picture: LeadPicture | None, site: SiteSettings) -> Node:
    """Return the node of a public post without a password. It names the author only if the page does."""
    return _node(
        "BlogPosting",
        headline=str(post),
        mainEntityOfPage=absolute_url(post.get_absolute_url()),
        datePublished=post.published_at and timestamp(post.published_at),
        dateModified=timestamp(changed_at(post)),
        author=_authors(post) if site.show_author else None,
        image=picture and picture.url,
        inLanguage=post.language,
        keywords=[tag.name for tag in terms.tags],
        commentCount=post.comment_count,
    )


def profile_page(author: User) -> Node:
    """Return the node of an author's page, which reveals nothing about the account."""
    portrait = author.shown_portrait
    image = portrait and absolute_url(portrait.get_absolute_url())
    return _node("ProfilePage", mainEntity=_person(author) | _node("Person", description=author.bio, image=image))


def breadcrumb_list(site: SiteSettings, trail: Iterable[Term]) -> Node:
    """Return the node of a page's breadcrumbs, from the front page to the page itself."""
    places = [Term(site.title, "/"), *trail]
    items = [
        {"@type": "ListItem", "position": position, "name": place.name, "item": absolute_url(place.url)}
        for position, place in enumerate(places, start=1)
    ]
    return _node("BreadcrumbList", itemListElement=items)


def _authors(post: Post) -> Node | list[Node]:
    author = _person(post.author)
    others = [_node("Person", name=name) for name in post.co_author_names]
    return [author, *others] if others else author


def _person(person: User) -> Node:
    return _node("Person", name=str(person), url=absolute_url(person.get_absolute_url()))


def _node(kind: str, **properties: Any) -> Node:
    """Return a node of this type with those properties that have a value. Zero counts as a value."""
    return {"@type": kind, **{name: value for name, value in properties.items() if value not in (None, "", [])}}
