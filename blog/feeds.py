"""RSS 2.0 and Atom feeds of the listings of posts, with the elements of WordPress's feeds."""

import re
from dataclasses import dataclass
from typing import Any, cast

from django.conf import settings
from django.contrib.syndication.views import Feed
from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import get_object_or_404
from django.utils.feedgenerator import Atom1Feed, Rss201rev2Feed
from django.utils.feedgenerator import Enclosure as FeedEnclosure
from django.utils.translation import gettext
from django.utils.xmlutils import SimplerXMLGenerator

from accounts.models import User
from blog.enclosures import enclosures_by_post
from blog.models import Category, Post, PostQuerySet
from core.models import SiteSettings
from core.site import SiteRequest, absolute_url
from core.text import remove_non_xml

_OWN_URL = re.compile(r'(<[a-z][^<>]*\s(?:href|src|poster|cite)=")(/(?!/)[^"]*")')


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
        enclosures = item["enclosures"]
        super().add_item_elements(handler, item | {"author_name": None, "enclosures": ()})
        if item["author_name"]:
            handler.addQuickElement("dc:creator", item["author_name"])
        handler.addQuickElement("content:encoded", item["content"])
        if item.get("comment_feed"):
            handler.addQuickElement("wfw:commentRss", item["comment_feed"])
            handler.addQuickElement("slash:comments", str(item["comment_count"]))
        for enclosure in enclosures:
            values = {"url": enclosure.url, "length": enclosure.length, "type": enclosure.mime_type}
            handler.addQuickElement("enclosure", "", values)


class AtomFeed(Atom1Feed):
    """Atom (RFC 4287) with the whole text as well as the summary."""

    def add_item_elements(self, handler: SimplerXMLGenerator, item: dict[str, Any]) -> None:
        super().add_item_elements(handler, item)
        handler.addQuickElement("content", item["content"], {"type": "html"})


FORMATS = {"rss": RssFeed, "atom": AtomFeed}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a feed is about. `url` is that of its listing, and its entries are the newest of `posts`."""

    title: str
    url: str
    posts: PostQuerySet
    limit: int
    description: str = ""


class PostFeed(Feed[Post, Subject]):
    """The newest posts of one subject, which subclasses return from `subject`."""

    item_guid_is_permalink = False

    def __init__(self, format_name: str) -> None:
        self.feed_type = FORMATS[format_name]
        self._suffix = "feed/" if format_name == "rss" else "feed/atom/"

    def subject(self, site: SiteSettings, **kwargs: Any) -> Subject:
        raise NotImplementedError

    def moved_listing_url(self, **kwargs: Any) -> str:
        """Return the URL of the listing if it has moved, else an empty string."""
        return ""

    def __call__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().__call__(request, *args, **kwargs)
        except Http404:
            if url := self.moved_listing_url(**kwargs):
                return HttpResponsePermanentRedirect(url + self._suffix)
            raise

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Subject:
        return self.subject(cast("SiteRequest", request).site, **kwargs)

    def items(self, subject: Subject) -> list[Post]:
        posts = list(subject.posts.for_listing()[: subject.limit])
        enclosed = enclosures_by_post(posts)
        for post in posts:
            post.enclosed = enclosed[post.pk]
        return posts

    def title(self, subject: Subject) -> str:
        return remove_non_xml(subject.title)

    def link(self, subject: Subject) -> str:
        return absolute_url(subject.url)

    def description(self, subject: Subject) -> str:
        return remove_non_xml(subject.description)

    def feed_url(self, subject: Subject) -> str:
        return absolute_url(subject.url + self._suffix)

    def item_title(self, item: Post) -> str:
        return remove_non_xml(str(item))

    def item_link(self, item: Post) -> str:
        return absolute_url(item.get_absolute_url())

    def item_description(self, item: Post) -> str:
        return remove_non_xml(item.summary)

    def item_guid(self, item: Post) -> str:
        return remove_non_xml(item.guid)

    def item_author_name(self, item: Post) -> str:
        return remove_non_xml(str(item.author))

    def item_pubdate(self, item: Post) -> Any:
        return item.published_at

    def item_updateddate(self, item: Post) -> Any:
        return item.modified_at

    def item_categories(self, item: Post) -> list[str]:
        return [remove_non_xml(term.name) for term in (*item.sorted_categories, *item.sorted_tags)]

    def item_enclosures(self, item: Post) -> list[FeedEnclosure]:
        return [*item.enclosed.kept, *item.enclosed.in_text]

    def item_comments(self, item: Post) -> str:
        return f"{self.item_link(item)}#comments"

    def item_extra_kwargs(self, item: Post) -> dict[str, Any]:
        return {
            "content": remove_non_xml(with_absolute_urls(item.body)),
            "comment_feed": f"{self.item_link(item)}feed/",
            "comment_count": item.comment_count,
        }


class SiteFeed(PostFeed):
    """All posts."""

    def subject(self, site: SiteSettings, **kwargs: Any) -> Subject:
        return Subject(site.title, "/", Post.objects.published(), site.entries_per_feed, site.tagline)


class CategoryFeed(PostFeed):
    """The posts of a category and of its descendants."""

    def subject(self, site: SiteSettings, **kwargs: Any) -> Subject:
        category = get_object_or_404(Category, path=kwargs["path"])
        posts = Post.objects.published().in_category(category)
        title = f"{category.name} – {site.title}"
        return Subject(title, category.get_absolute_url(), posts, site.entries_per_feed, category.description)


class AuthorFeed(PostFeed):
    """The posts of an author who has published something."""

    def subject(self, site: SiteSettings, **kwargs: Any) -> Subject:
        author = get_object_or_404(User, slug=kwargs["slug"])
        posts = Post.objects.published().filter(author=author)
        if not posts.exists():
            raise Http404(gettext("There are no posts here."))
        return Subject(f"{author} – {site.title}", author.get_absolute_url(), posts, site.entries_per_feed, author.bio)
