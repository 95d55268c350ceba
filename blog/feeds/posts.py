"""Feeds of the listings of posts."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import User
from blog.feeds.enclosures import enclosures_by_post, stored_enclosures
from blog.feeds.formats import FORMATS
from blog.models import Category, EnclosedWith, Post, PostInCategory, PostQuerySet, load_pictures
from blog.page_metadata.lead_pictures import lead_picture, load_lead_pictures
from blog.page_metadata.structured_data import changed_at
from blog.redirects.look_up import rows_at
from blog.terms import terms_of
from core.languages import answer_in, language_name, speaking
from core.prepared import Parameter, Prepared
from core.site import SiteRequest, absolute_url, is_probe

_posts = Prepared[Post](lambda now, stop: Post.objects.published(now).for_feed()[:stop])
_posts_by_author = Prepared[Post](
    lambda now, author, stop: Post.objects.published(now).filter(author=author).for_feed()[:stop]
)

_posts_in_language = Prepared[Post](
    lambda now, language, stop: Post.objects.published(now).filter(language=language).for_feed()[:stop]
)

_categories = Prepared[Category](lambda path: Category.objects.filter(path=path))
_authors = Prepared[User](lambda slug: User.objects.filter(slug=slug))


@Prepared
def _posts_in_category(now: Parameter, category: Parameter, *, stop: int) -> QuerySet[Any, Post]:
    newest = PostInCategory.objects.public(now).filter(category=category).newest_first()[:stop]
    posts: PostQuerySet = Post.objects.published(now).filter(pk__in=newest.values("post"))
    return posts.for_feed()


@dataclass(frozen=True, slots=True)
class Subject:
    """What a feed is about: its `posts`, loaded by `for_feed`. `url` is that of its listing."""

    title: str
    url: str
    posts: Sequence[Post]
    description: str
    # That of the posts, if all are in the same one; empty for that of the site.
    language: str = ""


class PostFeed:
    """The view of the newest posts of one subject, which subclasses return from `subject`."""

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
        if feed.has_images:
            load_lead_pictures(unlocked)
        for post in posts:
            enclosed = enclosures.get(post.pk, EnclosedWith([], []))
            url = absolute_url(post.get_absolute_url())
            picture = lead_picture(post) if feed.has_images else None
            with speaking(post.language):
                feed.add(
                    title=str(post),
                    link=url,
                    description=post.summary,
                    guid=post.guid,
                    author=str(post.author),
                    author_link=absolute_url(post.author.get_absolute_url()),
                    pubdate=post.published_at,
                    updateddate=changed_at(post),
                    modified_at=post.modified_at,
                    categories=[term.name for term in chain(*terms[post.pk])],
                    enclosures=[*enclosed.kept, *enclosed.in_text],
                    comments=f"{url}#comments",
                    content=post.body,
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
        posts = _posts(timezone.now(), stop=site.entries_per_feed)
        return Subject(site.title, "/", posts, site.tagline)


class CategoryFeed(PostFeed):
    def subject(self, request: SiteRequest, **kwargs: Any) -> Subject:
        (categories,) = rows_at(request, (_categories, [kwargs["path"]]))
        if not categories:
            raise Http404(gettext("That category doesn't exist."))
        site, category = request.site, categories[0]
        posts = _posts_in_category(timezone.now(), category.pk, stop=site.entries_per_feed)
        return Subject(f"{category.name} – {site.title}", category.get_absolute_url(), posts, category.description)


class AuthorFeed(PostFeed):
    def subject(self, request: SiteRequest, **kwargs: Any) -> Subject:
        (authors,) = rows_at(request, (_authors, [kwargs["slug"]]))
        if not authors:
            raise Http404(gettext("That author doesn't exist."))
        site, author = request.site, authors[0]
        posts = _posts_by_author(timezone.now(), author.pk, stop=site.entries_per_feed)
        if not posts:
            raise Http404(gettext("There are no posts here."))
        return Subject(f"{author} – {site.title}", author.get_absolute_url(), posts, author.bio)


class LanguageFeed(PostFeed):
    def subject(self, request: SiteRequest, **kwargs: Any) -> Subject:
        site, language = request.site, kwargs["language"]
        posts = _posts_in_language(timezone.now(), language, stop=site.entries_per_feed)
        if not posts:
            raise Http404(gettext("There are no posts here."))
        answer_in(language)
        url = reverse("blog:language", args=[language])
        return Subject(f"{language_name(language)} – {site.title}", url, posts, site.tagline, language)
