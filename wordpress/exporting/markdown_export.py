"""Export posts and pages as Markdown files for static site generators (wordpress.exporting.generators)."""

import json
import shutil
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext as _

from blog.models import Page, Post
from comments.models import Comment
from core.models import SiteSettings
from media.models import Document, Picture
from wordpress.exporting.comments import with_comments
from wordpress.exporting.generators import Generator
from wordpress.importing.database import tune_for_bulk

_CHUNK_SIZE: Final = 50


def export_markdown(
    folder: Path, generator: Generator, *, progress: Callable[[int, int], None], warn: Callable[[str], None]
) -> int:
    """Write all posts and pages, and return their number. Entries that are not for every reader are marked as drafts.

    Approved comments are written as data, in one file for each post or page that has any.
    """
    tune_for_bulk(writes=False)
    approved = Comment.objects.approved().select_related("user")
    posts = Post.objects.prefetch_related("categories", "tags", "enclosures")
    total = posts.count() + Page.objects.count()
    sources = [
        with_comments(entries.select_related("author"), approved, "created_at", "pk")
        for entries in (posts, Page.objects.all())
    ]
    done = 0
    for done, (entry, comments) in enumerate(chain.from_iterable(sources), start=1):
        _write(folder / generator.path(entry), generator.metadata(entry) + generator.body(entry))
        if values := [_comment(comment) for comment in comments]:
            text = json.dumps(values, ensure_ascii=False, indent=1)
            _write(folder / generator.comments_path(entry), f"{text}\n")
        progress(done, max(done, total))
    _copy_media(folder / generator.media_folder, warn)
    for name, text in generator.config(SiteSettings.current()).items():
        _write(folder / name, text)
    return done


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", errors="replace", newline="\n")


def _copy_media(folder: Path, warn: Callable[[str], None]) -> None:
    for model in (Picture, Document):
        for upload in model.objects.served().order_by("pk").iterator(_CHUNK_SIZE):
            name = str(upload.file.name)
            target = (folder / name).resolve()
            if not target.is_relative_to(folder.resolve()):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                # Texts may still name the files of images that were merged into another.
                shown = (upload.shown or upload) if isinstance(upload, Picture) else upload
                with shown.file.open("rb") as source, target.open("wb") as copy:
                    shutil.copyfileobj(source, copy)
            except OSError as error:
                warn(_("%(name)s could not be copied: %(error)s") % {"name": name, "error": error})


def _comment(comment: Comment) -> dict[str, Any]:
    """Return the public fields of a comment, without the e-mail address."""
    return {
        "id": comment.pk,
        "answers": comment.parent_id,
        "kind": comment.kind,
        "name": comment.author_name,
        "website": comment.public_website,
        "date": timezone.localtime(comment.created_at).isoformat(timespec="seconds"),
        "html": comment.html,
    }
