"""Measures the memory of a worker that a crawler visits, or of commands and large changes. See README.md."""

import argparse
import http.client
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import scratch_site  # isort: split

from django.conf import settings
from django.db.models import Count
from django.test import Client
from django.utils import timezone
from make_corpus import ensure_corpus, most_used_tag
from processes import run_measured

from accounts.models import User
from accounts.offboarding import offboard
from blog.models import Category, Post
from comments.models import Comment, CommentStatus, Decision
from comments.moderation import decisions
from comments.moderation.counting import recount_all
from mail import delivery
from media.models import Picture, RenditionState
from newsletter.models import Issue, IssueEntry, NewsletterSettings, Subscriber, Subscription
from tags import curation
from tags.models import Tag, TaggedPost

POSTS_PER_PAGE = 10
TITLES_PER_PAGE = 200
# What is added to the blog for commands and large changes, for each of its posts. All these comments are on one post.
PICTURES: Final = 0.5
COMMENTS: Final = 1.5
SUBSCRIBERS: Final = 1
# In characters.
LONG_TEXT: Final = 400_000
# Lists of the admin, as they are opened, searched and sorted.
LISTS: Final = (
    *("/admin/", "/admin/blog/post/", "/admin/blog/post/?q=human", "/admin/blog/post/?o=1&p=100"),
    *("/admin/comments/comment/", "/admin/comments/comment/?q=human", "/admin/comments/queue/"),
    *("/admin/tags/tag/", "/admin/tags/tag/?q=a", "/admin/media/picture/?p=100", "/admin/newsletter/issue/"),
    *("/tags/", "/archive/", "/sitemap.xml", "/?s=human+rights"),
)


def pages(url: str, posts: int, per_page: int = POSTS_PER_PAGE) -> Iterator[str]:
    """Yield the pages of a listing with this many posts."""
    yield url
    yield from (f"{url}page/{number}/" for number in range(2, -(-posts // per_page) + 1))


def every_url() -> Iterator[str]:
    """Yield everything that is linked: posts, the pages of all listings, and the feeds of tags and categories."""
    posts = Post.objects.published()
    yield from (post.get_absolute_url() for post in posts.only("kind", "slug", "published_on"))
    yield from pages("/", posts.count())
    months = Counter(posts.values_list("published_on__year", "published_on__month"))
    for (year, month), count in months.items():
        yield from pages(f"/{year}/{month:02}/", count, TITLES_PER_PAGE)
    for category in Category.objects.all():
        yield from pages(category.get_absolute_url(), posts.filter(categories=category).count())
        yield f"{category.get_absolute_url()}feed/"
    counts = dict(TaggedPost.objects.public().values_list("tag").annotate(Count("pk")).order_by())
    for tag in Tag.objects.only("slug").iterator():
        if tag.pk in counts:
            yield from pages(tag.get_absolute_url(), counts[tag.pk])
            yield f"{tag.get_absolute_url()}feed/"


def crawl(posts: int, requests: int | None) -> None:
    ensure_corpus(posts)
    urls = list(every_url())
    random.Random(7).shuffle(urls)  # noqa: S311  # the same order in each run
    chosen = urls[:requests]
    print(f"{len(chosen):,} of {len(urls):,} pages of {posts:,} posts", flush=True)
    with scratch_site.serve() as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
        statuses: Counter[int] = Counter()
        print(f"{'pages':>9}{'MiB':>6}", flush=True)
        for number, path in enumerate(chosen, start=1):
            connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
            response = connection.getresponse()
            response.read()
            statuses[response.status] += 1
            if number in {1, len(chosen)} or number % max(1, len(chosen) // 20) == 0:
                print(f"{number:>9,}{server.worker_bytes() / 2**20:>6.0f}", flush=True)
    print(f"statuses: {dict(statuses)}; load of the machine: {os.getloadavg()[0]:.1f}")


def prepare_jobs(posts: int) -> None:
    """Fill the site, and add what makes lists long and texts large."""
    ensure_corpus(posts)
    if Subscriber.objects.exists():
        return
    now, author = timezone.now(), User.objects.earliest("pk")
    post = Post.objects.earliest("-published_at", "-pk")
    rows = [
        Comment(entry=post, status=CommentStatus.APPROVED, name=f"Reader {n}", text="A comment. " * 20, created_at=now)
        for n in range(int(posts * COMMENTS))
    ]
    for row in rows:
        row.render()
    Comment.objects.bulk_create(rows, batch_size=1000)
    recount_all([post.pk])
    words = " ".join(["Some long report."] * 5)
    Post.objects.create(
        title="Long text", author=author, source=f"{words}\n\n" * (LONG_TEXT // len(words)), status="draft"
    )
    sizes: dict[str, Any] = {"width": 40, "height": 30, "size": 1000, "rendition_state": RenditionState.DONE}
    pictures = [Picture(file=f"pictures/{n}.png", title=f"Image {n}", **sizes) for n in range(int(posts * PICTURES))]
    folder = scratch_site.FOLDER / "media" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    for picture in Picture.objects.bulk_create(pictures, batch_size=1000):
        (folder / Path(str(picture.file.name)).name).write_bytes(random.Random(picture.pk).randbytes(1000))  # noqa: S311  # test data
    people = [Subscriber(email=f"reader{n}@example.org") for n in range(posts * SUBSCRIBERS)]
    Subscriber.objects.bulk_create(people, batch_size=1000)
    Subscription.objects.bulk_create([Subscription(subscriber=each, frequency="immediately") for each in people])
    NewsletterSettings(is_on=True, on_since=now).save()


def mail_issue() -> None:
    """Make the deliveries of an issue to all subscribers, and write and send e-mails for five minutes or until done."""
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.dummy.EmailBackend"}}
    issue = Issue.objects.create(frequency="immediately")
    # A post is mailed once.
    posts = Post.objects.published().exclude(pk__in=IssueEntry.objects.values("entry"))
    IssueEntry.objects.create(issue=issue, entry=posts.earliest("pk"), frequency="immediately")
    print(f"{delivery.deliver():,} e-mails sent", file=sys.stderr)


def show_lists() -> None:
    client = _owner()
    for path in LISTS:
        assert client.get(path).status_code == 200, path  # an error would need little memory


def show_comments() -> None:
    """Open the first and the last page of the comments on a post, and the page of a comment in between."""
    post = Post.objects.order_by("-comment_count")[0]
    client = Client(headers={"host": "localhost"})
    url, pks = post.get_absolute_url(), post.comments.values_list("pk", flat=True).order_by("pk")
    for path in (url, f"{url}comment-page-{max(1, len(pks) // 50)}/", f"{url}?replytocom={pks[len(pks) // 2]}"):
        start = time.process_time()
        assert client.get(path, follow=True).status_code == 200, path  # an error would need little memory
        print(f"{path}: {time.process_time() - start:.2f} s", file=sys.stderr)


def judge_all() -> None:
    """Mark all comments as spam in their list, and undo it."""
    _act_on_all("comments/comment", "spam_selected")
    decisions.undo(Decision.objects.latest("pk").batch, User.objects.earliest("pk"))


def unpublish_all() -> None:
    """Unpublish all posts in their list, and publish them again."""
    _act_on_all("blog/post", "unpublish")
    _act_on_all("blog/post", "publish")


def delete_tag() -> None:
    """Delete the tag of most posts, and undo it."""
    tag, owner = most_used_tag(), User.objects.earliest("pk")
    change = curation.delete([tag.pk], owner, expected_uses=10**9)
    curation.undo(change.pk, owner)


def give_away() -> None:
    """Give everything that a person has written to someone else."""
    heir = User.objects.create_user("heir")
    offboard(Post.objects.earliest("pk").author, heir=heir, erase=False)


def _owner() -> Client:
    owner, _is_new = User.objects.get_or_create(username="owner", is_staff=True, is_superuser=True)
    client = Client(headers={"host": "localhost"})
    client.force_login(owner)
    return client


def _act_on_all(model: str, action: str) -> None:
    data = {"action": action, "select_across": "1", "_selected_action": "1"}
    response = _owner().post(f"/admin/{model}/", data)
    assert response.status_code == 302, response  # an error would need little memory


# Commands of the site, and changes that this script makes.
JOBS: Final[dict[str, list[str] | Callable[[], None]]] = {
    "check": ["check"],
    "rebuild the search": ["rebuild_search", "--from-scratch"],
    "render all texts": ["rerender"],
    "export for WordPress": ["export_wordpress", "--output", f"{scratch_site.FOLDER}/exported.xml"],
    "export as Markdown": ["export_markdown", f"{scratch_site.FOLDER}/markdown"],
    "import that": ["import_wordpress", f"{scratch_site.FOLDER}/exported.xml"],
    "verify it": ["verify_import", "--all", f"{scratch_site.FOLDER}/exported.xml"],
    "undo the import": ["import_wordpress", "--undo", "1"],
    "backup": ["backup", f"{scratch_site.FOLDER}/backups"],
    "restore": ["restore", f"{scratch_site.FOLDER}/backups", "--replace"],
    "lists": show_lists,
    "comments": show_comments,
    "mark all comments": judge_all,
    "unpublish all posts": unpublish_all,
    "delete a tag": delete_tag,
    "give all posts away": give_away,
    "newsletter": mail_issue,
}
# These are done on another, empty site with SQLite.
ELSEWHERE: Final = ("import that", "verify it", "undo the import")


def measure_jobs(posts: int, names: list[str]) -> None:
    prepare_jobs(posts)
    other = {"BROADSIDE_DATA": f"{scratch_site.FOLDER}/other", "DATABASE_URL": ""}
    run_measured(["manage.py", "migrate", "--verbosity", "0"], other)
    print(f"{'MiB':<24}{'largest':>9}{'in all':>9}{'seconds':>9}{'CPU':>9}", flush=True)
    for name in names or JOBS:
        job = JOBS[name]
        arguments = ["manage.py", *job] if isinstance(job, list) else [__file__, "--run", name]
        used = run_measured(arguments, scratch_site.ALLOCATION | (other if name in ELSEWHERE else {}))
        print(f"{name:<24}{used.largest:>9.0f}{used.together:>9.0f}{used.wall:>9.1f}{used.cpu:>9.1f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, help="how many posts the blog has (100,000, or 20,000 with --jobs)")
    parser.add_argument("--requests", type=int, help="number of pages, chosen at random (all of them)")
    parser.add_argument("--jobs", nargs="*", choices=JOBS, metavar="NAME", help="measure all of these, or some")
    parser.add_argument("--run", choices=JOBS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        job = JOBS[options.run]
        assert callable(job)  # commands are run without this script
        job()
    elif options.jobs is None:
        crawl(options.posts or 100_000, options.requests)
    else:
        measure_jobs(options.posts or 20_000, options.jobs)


if __name__ == "__main__":
    main()
