"""What can be followed: topics by their URLs, and the posts of a topic."""

from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext

from accounts.models import User
from blog.models import Category, Entry, Post, PostInCategory
from core.languages import may_be_in_url
from core.models import SiteSettings
from newsletter.models import Subscription, Topic
from newsletter.models.subscriptions import ALL_POSTS, TOPIC_FIELDS
from tags.models import Tag, TaggedPost


def find_topic(site: SiteSettings, kind: str, key: str) -> dict[str, Any]:
    """Return the values of a topic's columns. Raises Http404 if there is none with this key, or none that readers see.

    Without a `kind`, the topic is all posts.
    """
    found: Any = None
    match kind:
        case "":
            return {}
        case "category":
            found = Category.objects.known().filter(path=key).first()
        case "tag":
            found = Tag.objects.known().filter(slug=key).first()
        case "author" if site.show_author:
            # Accounts without public posts must not be revealed.
            found = User.objects.filter(slug=key, pk__in=Post.objects.published().values("author")).first()
        case "language" if key in languages():
            found = key
    if found is None:
        raise Http404(gettext("That page doesn't exist."))
    return {kind: found}


def languages() -> list[str]:
    """Return the codes of the languages of public posts, except languages without a list."""
    found = Post.objects.published().exclude(language="").order_by("language").values_list("language", flat=True)
    return [language for language in found.distinct() if may_be_in_url(language)]


def page_of(topic: Topic) -> str:
    """Return the path of the page with its posts."""
    if listed := topic.category or topic.tag or topic.author:
        return listed.get_absolute_url()
    return reverse("blog:language", args=[topic.language]) if topic.language else reverse("blog:front")


def followers_of(entries: Collection[Entry], frequency: str) -> QuerySet[Subscription]:
    """Return the subscriptions of this frequency to any of these posts."""
    pks = [entry.pk for entry in entries]
    condition = (
        ALL_POSTS
        | Q(category__in=PostInCategory.objects.filter(post__in=pks).values("category"))
        | Q(tag__in=TaggedPost.objects.filter(content_object__in=pks).values("tag"))
        | Q(author__in={entry.author_id for entry in entries})
        | Q(language__in={entry.language for entry in entries} - {""})
    )
    return Subscription.objects.filter(condition, frequency=frequency, subscriber__suppression="")


def followed(entries: Collection[Entry], subscriptions: Iterable[Subscription]) -> list[Entry]:
    """Return the posts that any of the subscriptions follows, in the same order."""
    topics = [each.topic for each in subscriptions]
    if any(not any(topic.values()) for topic in topics):
        return list(entries)
    wanted = {name: {topic[name] for topic in topics if topic[name]} for name in TOPIC_FIELDS}
    pks = [entry.pk for entry in entries]
    filed = PostInCategory.objects.filter(post__in=pks, category__in=wanted["category"])
    tagged = TaggedPost.objects.filter(content_object__in=pks, tag__in=wanted["tag"])
    found = {*filed.values_list("post", flat=True), *tagged.values_list("content_object", flat=True)}
    return [
        entry
        for entry in entries
        if entry.pk in found or entry.author_id in wanted["author"] or entry.language in wanted["language"]
    ]
