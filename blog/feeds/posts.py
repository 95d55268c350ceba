"""Feeds of the listings of posts."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext

from accounts.models import User
from blog.feeds.enclosures import enclosures_by_post, stored_enclosures
from blog.feeds.formats import FORMATS
from blog.listings.listing import all_posts, posts_by_author, posts_in_category, posts_in_language
from blog.models import Category, Post, load_pictures
from blog.page_metadata.lead_pictures import lead_picture
from blog.page_metadata.structured_data import changed_at
from blog.redirects.look_up import rows_at
from blog.terms import terms_of
from core.languages import activate_language, language_name, override_language
from core.prepared import Prepared
from core.site import SiteRequest, absolute_url, is_probe

_categories = Prepared[Category](lambda now, path: Category.objects.known(now).filter(path=path))
_authors = Prepared[User](lambda slug: User.objects.filter(slug=slug))


@dataclass(frozen=True, slots=True)
class Subject:
    """What a feed is about: its `posts`, loaded by `for_feed`, and the `url` of its listing."""

    title: str
    url: str
    posts: Sequence[Post]
    description: str
    # The language that all posts have in common; empty for the site's language.
    language: str = ""


class PostFeed:
    """A view of the newest posts of one subject, which subclasses return from `subject`."""

    def __init__(self, format_name: str) -> None:
        self.feed_type = FORMATS[format_name]

    def subject(self, request: SiteRequest, **kwargs: Any) -> Subject:
        raise NotImplementedError

    def __call__(self, request: SiteRequest, **kwargs: Any) -> HttpResponse:
        subject = self.subject(request, **kwargs)
        if is_probe(request):
            return HttpResponse()
        feed = self.feed_type(
            title=subject.title, description=subject.description, url=subject.url, language=subject.language
        )
        posts = subject.posts
        load_pictures(post for post in posts if "<img" in post.body_html)
        terms = terms_of(posts)
        unlocked = [post for post in posts if not post.is_locked]
        enclosures = enclosures_by_post(unlocked, stored_enclosures(unlocked))
        for post in posts:
            url = absolute_url(post.get_absolute_url())
            picture = lead_picture(post) if feed.has_images else None
            with override_language(post.language):
                feed.add(
                    title=str(post),
                    link=url,
                    description=post.summary,
                    guid=post.guid,
                    author=post.byline,
                    authors=[str(post.author), *post.co_author_names],
                    author_link=absolute_url(post.author.get_absolute_url()),
                    pubdate=post.published_at,
                    updateddate=changed_at(post),
                    modified_at=post.modified_at,
                    categories=[term.name for term in chain(*terms[post.pk])],
                    enclosures=list(chain(*enclosures.get(post.pk, ()))),
                    comments=f"{url}#comments",
                    # Not the form for its password, which only the site itself should ask for.
                    content=format_html("<p>{}</p>", post.summary) if post.is_locked else post.body,
                    comment_feed=f"{url}feed/",
                    comment_count=post.comment_count,
                    language=post.language,
                    direction=post.direction,
                    image=picture and picture.url,
                )
        return feed.response()


class SiteFeed(PostFeed):
    def subject(self, request: SiteRequest, **kwargs: Any) -> Subject:
        site = request.site
        return Subject(site.title, "/", all_posts.newest((), site.entries_per_feed), site.tagline)


class CategoryFeed(PostFeed):
    def subject(self, request: SiteRequest, **kwargs: Any) -> Subject:
        (categories,) = rows_at(request, (_categories, [timezone.now(), kwargs["path"]]))
        if not categories:
            raise Http404(gettext("That category doesn't exist."))
        site, category = request.site, categories[0]
        posts = posts_in_category.newest([category.pk], site.entries_per_feed)
        return Subject(f"{category.name} – {site.title}", category.get_absolute_url(), posts, category.description)


class AuthorFeed(PostFeed):
    def subject(self, request: SiteRequest, **kwargs: Any) -> Subject:
        (authors,) = rows_at(request, (_authors, [kwargs["slug"]]))
        if not authors:
            raise Http404(gettext("That author doesn't exist."))
        site, author = request.site, authors[0]
        posts = posts_by_author.newest([author.pk], site.entries_per_feed)
        if not posts:
            raise Http404(gettext("There are no posts here."))
        return Subject(f"{author} – {site.title}", author.get_absolute_url(), posts, author.bio)


class LanguageFeed(PostFeed):
    def subject(self, request: SiteRequest, **kwargs: Any) -> Subject:
        site, language = request.site, kwargs["language"]
        posts = posts_in_language.newest([language], site.entries_per_feed)
        if not posts:
            raise Http404(gettext("There are no posts here."))
        activate_language(language)
        url = reverse("blog:language", args=[language])
        return Subject(f"{language_name(language)} – {site.title}", url, posts, site.tagline, language)
