"""RSS 2.0 and Atom feeds of the listings of posts, with the elements of WordPress's feeds."""

import re
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.feedgenerator import Atom1Feed, Rss201rev2Feed, SyndicationFeed
from django.utils.http import http_date
from django.utils.translation import get_language, gettext
from django.utils.xmlutils import SimplerXMLGenerator

from accounts.models import User
from blog.enclosures import enclosures_by_post
from blog.models import Category, EnclosedWith, Post, PostQuerySet
from core.models import SiteSettings
from core.site import SiteRequest, absolute_url
from core.text import remove_non_xml

_OWN_URL = re.compile(r'(<[a-z][^<>]*\s(?:href|src|poster|cite|action)=")(/(?!/)[^"]*")')


def with_absolute_urls(html: str) -> str:
    """Return `html` with the site's host in all its URLs, because feeds are read elsewhere."""
    return _OWN_URL.sub(rf"\g<1>{settings.SITE_URL}\g<2>", html)


class RssFeed(Rss201rev2Feed):
    """RSS 2.0 with the whole text (`content:encoded`), the comment count and the comment feed, as in WordPress."""

    content_type = "application/rss+xml; charset=utf-8"

    def rss_attributes(self) -> dict[str, str]:
        return {
            **super().rss_attributes(),
            "xmlns:content": "http://purl.org/rss/1.0/modules/content/",
            "xmlns:dc": "http://purl.org/dc/elements/1.1/",
            "xmlns:slash": "http://purl.org/rss/1.0/modules/slash/",
            "xmlns:wfw": "http://wellformedweb.org/CommentAPI/",
        }

    def add_item_elements(self, handler: SimplerXMLGenerator, item: dict[str, Any]) -> None:
        # Django would declare the prefix dc in every creator, while the root declares it here. It also allows only one
        # enclosure for each item, while WordPress has all of them.
        super().add_item_elements(handler, item | {"author_name": None, "enclosures": ()})
        if item["author_name"]:
            handler.addQuickElement("dc:creator", item["author_name"])
        handler.addQuickElement("content:encoded", item["content"])
        if item.get("comment_feed"):
            handler.addQuickElement("wfw:commentRss", item["comment_feed"])
            handler.addQuickElement("slash:comments", str(item["comment_count"]))
        for enclosure in item["enclosures"]:
            values = {"url": enclosure.url, "length": enclosure.length, "type": enclosure.mime_type}
            handler.addQuickElement("enclosure", "", values)


class AtomFeed(Atom1Feed):
    """Atom (RFC 4287) with the whole text as well as the summary."""

    def add_item_elements(self, handler: SimplerXMLGenerator, item: dict[str, Any]) -> None:
        super().add_item_elements(handler, item)
        handler.addQuickElement("content", item["content"], {"type": "html"})


FORMATS: Final[dict[str, type[RssFeed | AtomFeed]]] = {"rss": RssFeed, "atom": AtomFeed}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a feed is about. `url` is that of its listing, and its entries are the newest of `posts`."""

    title: str
    url: str
    posts: PostQuerySet
    description: str


class PostFeed:
    """The view of the newest posts of one subject, which subclasses return from `subject`."""

    def __init__(self, format_name: str) -> None:
        self.feed_type = FORMATS[format_name]
        self.suffix = "feed/" if format_name == "rss" else "feed/atom/"

    def subject(self, site: SiteSettings, **kwargs: Any) -> Subject:
        raise NotImplementedError

    def __call__(self, request: SiteRequest, **kwargs: Any) -> HttpResponse:
        subject = self.subject(request.site, **kwargs)
        feed = self.feed_type(
            title=remove_non_xml(subject.title),
            link=absolute_url(subject.url),
            description=remove_non_xml(subject.description),
            language=get_language(),
            feed_url=absolute_url(subject.url + self.suffix),
        )
        _add_posts(feed, list(subject.posts.for_listing()[: request.site.entries_per_feed]))
        response = HttpResponse(content_type=feed.content_type)
        response.headers["Last-Modified"] = http_date(feed.latest_post_date().timestamp())
        feed.write(response, "utf-8")
        return response


def _add_posts(feed: SyndicationFeed, posts: list[Post]) -> None:
    enclosures = enclosures_by_post([post for post in posts if not post.is_locked])
    for post in posts:
        enclosed = enclosures.get(post.pk, EnclosedWith([], []))
        url = absolute_url(post.get_absolute_url())
        feed.add_item(
            title=remove_non_xml(str(post)),
            link=url,
            description=remove_non_xml(post.summary),
            unique_id=remove_non_xml(post.guid),
            unique_id_is_permalink=False,
            author_name=remove_non_xml(str(post.author)),
            pubdate=post.published_at,
            updateddate=post.modified_at,
            categories=[remove_non_xml(term.name) for term in (*post.sorted_categories, *post.sorted_tags)],
            enclosures=[*enclosed.kept, *enclosed.in_text],
            comments=f"{url}#comments",
            content=remove_non_xml(with_absolute_urls(post.body)),
            comment_feed=f"{url}feed/",
            comment_count=post.comment_count,
        )


class SiteFeed(PostFeed):
    def subject(self, site: SiteSettings, **kwargs: Any) -> Subject:
        return Subject(site.title, "/", Post.objects.published(), site.tagline)


class CategoryFeed(PostFeed):
    def subject(self, site: SiteSettings, **kwargs: Any) -> Subject:
        category = get_object_or_404(Category, path=kwargs["path"])
        posts = Post.objects.published().in_category(category)
        return Subject(f"{category.name} – {site.title}", category.get_absolute_url(), posts, category.description)


class AuthorFeed(PostFeed):
    def subject(self, site: SiteSettings, **kwargs: Any) -> Subject:
        author = get_object_or_404(User, slug=kwargs["slug"])
        posts = Post.objects.published().filter(author=author)
        if not posts.exists():
            raise Http404(gettext("There are no posts here."))
        return Subject(f"{author} – {site.title}", author.get_absolute_url(), posts, author.bio)
