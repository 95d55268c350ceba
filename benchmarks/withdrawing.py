"""Withdraws a name from many kinds of places in a large blog, undoes that, and crawls everything each time.

Prints the processor time of each step, and how many responses and exported files contained the name. See README.md.
"""

import argparse
import hashlib
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from make_corpus import ensure_corpus

from accounts.models import User
from blog.models import Autosave, Category, Enclosure, Entry, Page, Post, Redirect, Revision, Status
from comments.models import Comment
from core.models import SiteSettings
from media.documents import store_document
from media.pictures import store_picture
from operations.withdrawals import lifecycle
from operations.withdrawals.working import work
from tags.models import Tag, TagAlias
from tests.factories.crawling import crawl, exports
from tests.factories.files import pdf_file, picture
from wordpress.models import Fragment, FragmentKind, PreservedData

NAME = "Zoé Quillfeather"
SURNAME = "quillfeather"
FOREVER = float("inf")
# One in this many posts, with its comments, contains the name.
EVERY = 20


@dataclass
class Crawl:
    """A digest of each response and exported file, and those that contain the surname in any spelling.

    These are found without the code that withdraws names, which would not detect its own mistakes.
    """

    digests: dict[str, bytes] = field(default_factory=dict)
    hits: list[str] = field(default_factory=list)

    def add(self, responses: Iterable[tuple[str, bytes]]) -> None:
        for name, content in responses:
            self.digests[name] = hashlib.sha256(content).digest()
            if SURNAME in f"{name}\n{content.decode(errors='replace')}".casefold():
                self.hits.append(name)


def plant() -> list[str]:
    """Put the name into all kinds of places, and return URLs with it."""
    site = SiteSettings.current()
    site.tagline, site.footer, site.show_author = "For Zoé Quillfeather", "© Zoe Quillfeather", True
    site.save()
    author = User.objects.get(username="writer")
    author.display_name, author.slug, author.bio = "Zoé Quillfeather", "zoe-quillfeather", "Zoé Quillfeather writes."
    author.save()
    tag = Tag.objects.create(name="Zoé Quillfeather", description="About Zoé Quillfeather")
    TagAlias.objects.create(tag=tag, slug="zoe-quillfeather-old")
    category = Category.objects.create(name="Zoé Quillfeather’s case")
    image = store_picture(
        SimpleUploadedFile("Zoe_Quillfeather.png", picture()), title="Zoé Quillfeather", alt="Zoé Quillfeather"
    )
    document = store_document(pdf_file(name="zoe-quillfeather.pdf"), title="On Zoé Quillfeather")
    page = Page.objects.create(
        title="Zoé Quillfeather", author=author, status=Status.PUBLISHED, source="Zoé Quillfeather."
    )
    urls = [each.get_absolute_url() for each in (author, tag, category, page)]
    urls += [image.file.url, document.file.url, "/old/zoe-quillfeather/"]
    Redirect.objects.create(path="/old/zoe-quillfeather/", entry=page)
    Fragment.objects.create(kind=FragmentKind.BLOCK, name="7", title="x", text="Zoé Quillfeather")
    for number, post in enumerate(Post.objects.order_by("pk").iterator(100)):
        if number % EVERY:
            continue
        Revision.of(post, None).save()
        post.title = f"{post.title} for Zoé Quillfeather"
        post.slug = f"{post.slug}-zoe-quillfeather"
        post.excerpt = "About ZOÉ QUILLFEATHER."
        files = f"![Zoé Quillfeather]({image.file.url}) [x]({document.file.url})"
        post.source += f"\n\n**Zoé** Quillfeather, Zo&eacute;\nQuillfeather {files}"
        post.featured_picture = image
        post.save()
        post.tags.add(tag)
        post.categories.add(category)
        Revision.of(post, None).save()
        Comment.objects.create(entry=post, name="Zoé Quillfeather", text="I am Zoé Quillfeather.", status="approved")
        urls.append(post.get_absolute_url())
    Autosave.objects.create(
        user=author, kind="post", entry=post, data={"title": ["Zoé Quillfeather"]}, seen_at=timezone.now()
    )
    Enclosure.objects.create(post=post, url="https://example.org/zoe-quillfeather.mp3", media_type="audio/mpeg")
    PreservedData.objects.create(entry=Entry.objects.get(pk=post.pk), fields={"meta": [["seo", "Zoé Quillfeather"]]})
    return urls


def look(label: str, urls: list[str]) -> Crawl:
    """Crawl and export the site, and print a line of the table."""
    start, found = time.process_time(), Crawl()
    found.add(crawl(urls))
    responses = len(found.digests)
    with tempfile.TemporaryDirectory() as folder:
        found.add(exports(Path(folder) / "exports").items())
    took = time.process_time() - start
    print(
        f"| {label} | {responses:,} | {len(found.digests) - responses:,} | {len(found.hits):,} | {took:,.0f} s |",
        flush=True,
    )
    return found


def timed(label: str, withdrawal: Any) -> None:
    start = time.process_time()
    work(withdrawal, FOREVER)
    print(f"| {label} | | | | {time.process_time() - start:,.1f} s |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=5_000)
    parser.add_argument("--without-crawl", action="store_true", help="only measure how long the steps take")
    arguments = parser.parse_args()
    ensure_corpus(arguments.posts)
    settings.ALLOWED_HOSTS = ["*"]
    urls = plant()
    print(
        f"{Post.objects.count():,} posts, {Comment.objects.count():,} comments, "
        f"{Revision.objects.count():,} revisions\n"
    )
    print("| step | responses | exported files | with the name | processor time |\n| --- | --- | --- | --- | --- |")
    before = None if arguments.without_crawl else look("crawl before", urls)
    withdrawal = lifecycle.start([NAME], "[name withdrawn]", None)
    timed("search", withdrawal)
    lifecycle.carry_out(withdrawal)
    timed("withdraw", withdrawal)
    print(f"| rows replaced, by table: {withdrawal.counts} | | | | |")
    after = None if arguments.without_crawl else look("crawl after", [])
    lifecycle.undo(withdrawal)
    timed("undo", withdrawal)
    if before and after:
        again = look("crawl after undoing", urls)
        changed = [
            url
            for url in before.digests.keys() | again.digests.keys()
            if before.digests.get(url) != again.digests.get(url)
        ]
        print(
            f"\nWith the name after withdrawing: {len(after.hits)} {after.hits[:5]}. "
            f"Different after undoing: {len(changed)} {changed[:5]}."
        )
    else:
        print("\nNothing was crawled.")


if __name__ == "__main__":
    main()
