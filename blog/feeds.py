"""RSS 2.0 and Atom for every listing of posts, as WordPress's readers and aggregators know them."""

import re
from dataclasses import dataclass
from typing import Any, cast

from django.conf import settings
from django.contrib.syndication.views import Feed
from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import get_object_or_404
from django.utils.feedgenerator import Atom1Feed, Rss201rev2Feed
from django.utils.feedgenerator import Enclosure as Enclosed
from django.utils.translation import gettext
from django.utils.xmlutils import SimplerXMLGenerator

from accounts.models import User
from blog.enclosures import enclosed_with
from blog.models import Category, Post, PostQuerySet
from blog.site import SiteRequest, SiteSettings, absolute_url

_OWN_ADDRESS = re.compile(r'(<[a-z][^<>]*\s(?:href|src|poster|cite)=")(/(?!/)[^"]*")')
# What XML 1.0 cannot hold; one such character would make the whole feed unreadable.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def absolute_addresses(html: str) -> str:
    """`html` with the site's host in all addresses: a feed is read elsewhere."""
    return _OWN_ADDRESS.sub(rf"\g<1>{settings.SITE_URL}\g<2>", html)


def xml_text(text: str) -> str:
    return _NOT_XML.sub("", text)


class RssFeed(Rss201rev2Feed):
    """RSS 2.0 with the whole text (`content:encoded`) and the number and feed of comments, as WordPress has them."""

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
        # Django binds the prefix dc anew in each creator; here the root has it. Of enclosures it lets an item have one;
        # WordPress gives out all.
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
    """Atom (RFC 4287) with the whole text beside the summary."""

    def add_item_elements(self, handler: SimplerXMLGenerator, item: dict[str, Any]) -> None:
        super().add_item_elements(handler, item)
        handler.addQuickElement("content", item["content"], {"type": "html"})


FORMATS = {"rss": RssFeed, "atom": AtomFeed}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a feed is about: `url` is the page it goes with, `posts` those it may hold."""

    title: str
    url: str
    posts: PostQuerySet
    limit: int
    description: str = ""


class PostFeed(Feed[Post, Subject]):
    """The newest posts of one subject. A kind of feed says in `subject` which."""

    item_guid_is_permalink = False

    def __init__(self, kind: str) -> None:
        self.feed_type = FORMATS[kind]

    def subject(self, site: SiteSettings, **kwargs: Any) -> Subject:
        raise NotImplementedError

    def moved_to(self, **kwargs: Any) -> str:
        """Where the page that this feed goes with is now, if it has another address than it was asked for by."""
        return ""

    def __call__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().__call__(request, *args, **kwargs)
        except Http404:
            if page := self.moved_to(**kwargs):
                return HttpResponsePermanentRedirect(page + self._ending)
            raise

    @property
    def _ending(self) -> str:
        return "feed/" if self.feed_type is RssFeed else "feed/atom/"

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Subject:
        return self.subject(cast("SiteRequest", request).site, **kwargs)

    def items(self, subject: Subject) -> list[Post]:
        posts = list(subject.posts.for_listing()[: subject.limit])
        enclosed = enclosed_with(posts)
        for post in posts:
            post.enclosed = enclosed[post.pk]
        return posts

    def title(self, subject: Subject) -> str:
        return xml_text(subject.title)

    def link(self, subject: Subject) -> str:
        return absolute_url(subject.url)

    def description(self, subject: Subject) -> str:
        return xml_text(subject.description)

    def feed_url(self, subject: Subject) -> str:
        return absolute_url(subject.url + self._ending)

    def item_title(self, item: Post) -> str:
        return xml_text(str(item))

    def item_link(self, item: Post) -> str:
        return absolute_url(item.get_absolute_url())

    def item_description(self, item: Post) -> str:
        return xml_text(item.summary)

    def item_guid(self, item: Post) -> str:
        return xml_text(item.guid)

    def item_author_name(self, item: Post) -> str:
        return xml_text(str(item.author))

    def item_pubdate(self, item: Post) -> Any:
        return item.published_at

    def item_updateddate(self, item: Post) -> Any:
        return item.modified_at

    def item_categories(self, item: Post) -> list[str]:
        return [xml_text(term.name) for term in (*item.sorted_categories, *item.sorted_tags)]

    def item_enclosures(self, item: Post) -> list[Enclosed]:
        return [*item.enclosed.kept, *item.enclosed.in_text]

    def item_comments(self, item: Post) -> str:
        return f"{self.item_link(item)}#comments"

    def item_extra_kwargs(self, item: Post) -> dict[str, Any]:
        return {
            "content": xml_text(absolute_addresses(item.body)),
            "comment_feed": f"{self.item_link(item)}feed/",
            "comment_count": item.comment_count,
        }


class SiteFeed(PostFeed):
    """All posts."""

    def subject(self, site: SiteSettings, **kwargs: Any) -> Subject:
        return Subject(site.title, "/", Post.objects.published(), site.entries_per_feed, site.tagline)


class CategoryFeed(PostFeed):
    """The posts of a category and those below it."""

    def subject(self, site: SiteSettings, **kwargs: Any) -> Subject:
        category = get_object_or_404(Category, path=kwargs["path"])
        posts = Post.objects.published().in_category(category)
        title = f"{category.name} – {site.title}"
        return Subject(title, category.get_absolute_url(), posts, site.entries_per_feed, category.description)


class AuthorFeed(PostFeed):
    """The posts of somebody who has published here."""

    def subject(self, site: SiteSettings, **kwargs: Any) -> Subject:
        author = get_object_or_404(User, slug=kwargs["slug"])
        posts = Post.objects.published().filter(author=author)
        if not posts.exists():
            raise Http404(gettext("There are no posts here."))
        return Subject(f"{author} – {site.title}", author.get_absolute_url(), posts, site.entries_per_feed, author.bio)
