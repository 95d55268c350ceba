"""Where a URL that was not found leads: to what has moved from there, or to what is meant by it."""

import datetime as dt
import re
from typing import Final

from django.conf import settings

from blog.models import Category, Post
from blog.models.redirect import Redirect, normalise_path
from blog.redirects.guess import guess_entry_url, rewrite_path
from core.slugs import slugify

# What can follow the URL of a listing or an entry.
_SUFFIX: Final = re.compile(r"(?:page/[0-9]{1,9}|feed(?:/(?:rss2?|atom))?)/$")
_POST_PAGE: Final = re.compile(r"(/([0-9]{4})/([0-9]{2})/([0-9]{2})/([^/]+)/)[0-9]{1,4}/")


def find_target(path: str) -> str:
    """Return the URL of what was at `path`, or of what is meant by it; empty if there is none.

    It is the URL of something that every reader may see, or another form of `path`. At most four queries.
    """
    path = normalise_path(path if path.endswith("/") else f"{path}/")
    if post_page := _POST_PAGE.fullmatch(path):
        path = post_page[1]
        if url := _url_of_post(post_page):
            return url
    suffix = _SUFFIX.search(path)
    base = path[: suffix.start()] if suffix else path
    url = _redirected_url(path, base)
    if suffix and url and not url.startswith(settings.MEDIA_URL):
        return url + suffix[0]
    if url := url or rewrite_path(path):
        return url
    # Entries have feeds, but no further pages of a listing.
    url = guess_entry_url(base)
    return url + suffix[0] if url and suffix and suffix[0].startswith("feed/") else url


def has_redirect(path: str) -> bool:
    path = normalise_path(path)
    return Redirect.objects.filter(path__in={path, f"{path.rstrip('/')}/"}).exists()


def _url_of_post(post_page: re.Match[str]) -> str:
    """Return the URL of the whole post if `post_page` is the URL of one of its pages."""
    try:
        day = dt.date(int(post_page[2]), int(post_page[3]), int(post_page[4]))
    except ValueError:
        return ""
    post = Post.objects.published().filter(published_on=day, slug=post_page[5].lower()).first()
    return post.get_absolute_url() if post else ""


def _redirected_url(path: str, base: str) -> str:
    category_slug = base.rstrip("/").rpartition("/")[2].lower() if base.startswith("/category/") else ""
    # The URLs of attachments' files have no slash at the end.
    paths = {base, base.lower(), path.rstrip("/"), *([f"/category/{category_slug}/"] if category_slug else [])}
    redirects = Redirect.objects.filter(path__in=paths)
    for redirect in sorted(redirects, key=lambda redirect: redirect.path != base):
        if url := redirect.url:
            return url
    return _url_of_category(category_slug) if category_slug else ""


def _url_of_category(slug: str) -> str:
    # As in WordPress, `Two Words` is read as `two-words`: some programs that write exports use such slugs.
    slugs = [slug, slugify(slug)]
    categories: list[Category] = sorted(
        Category.objects.filter(slug__in=slugs), key=lambda category: slugs.index(category.slug)
    )
    return categories[0].get_absolute_url() if categories else ""
