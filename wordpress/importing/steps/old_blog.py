"""Describing the imported blog as a whole, at the end of an import."""

from collections import Counter
from itertools import islice
from typing import Final

from django.db.models import Count, Q

from blog.models import Post
from wordpress.importing.context import ImportContext
from wordpress.importing.old_blog import OldBlog
from wordpress.importing.redirects import folder_of
from wordpress.importing.report import MENUS
from wordpress.importing.steps.settings import exported_settings
from wordpress.models import Attachment

# How many of the newest posts are checked for the language that authors write in now.
_NEWEST: Final = 200
_MAX_MENUS: Final = 20


def describe_blog(context: ImportContext) -> OldBlog:
    """Return the facts about the blog that the export and this import give."""
    analysis = context.analysis
    menus = (note.title for note in context.report.notes if note.kind == MENUS)
    exported = exported_settings(analysis)
    files = Attachment.objects.filter(site=context.site).aggregate(
        files=Count("pk"),
        missing_files=Count("pk", filter=Q(picture=None, document=None)),
        gone_files=Count("pk", filter=Q(picture=None, document=None, gone_at__isnull=False)),
    )
    return OldBlog(
        site=context.site,
        url=analysis.base_url,
        title=exported.get("title", ""),
        tagline=exported.get("tagline", ""),
        language=analysis.language[:50],
        text_language=_text_language(),
        times=analysis.times.to_json(),
        zone=analysis.times.find_zone(),
        hosts=sorted(analysis.own_hosts),
        folder=folder_of(analysis.base_url),
        menus=list(islice(menus, _MAX_MENUS)),
        **files,
    )


def _text_language() -> str:
    """Return the language of most of the newest posts whose language is known; an empty string if there is none."""
    newest = Post.objects.published().newest_first().values_list("language", flat=True)[:_NEWEST]
    counts = Counter(language for language in newest if language)
    language, count = counts.most_common(1)[0] if counts else ("", 0)
    return language if count * 2 > counts.total() else ""
