"""The editor: a text area for the source, with a live preview beside it."""

from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from markdownx.widgets import MarkdownxWidget

from blog.editing.toolbar import tools_for
from blog.models import Entry, Post
from blog.permissions import may_edit, may_write
from blog.rendering import MORE_PLACEHOLDER, PAGE_BREAK, SourceTooLongError, UnknownMarkupError, render
from blog.rendering.images import by_file_name, library_files
from core.text import parse_id
from media import documents
from media.models import Picture
from media.pictures import MAX_BYTES
from media.uploads import ACCEPTED


class SourceEditor(MarkdownxWidget):  # type: ignore[misc]  # markdownx ships no types
    """A text area that takes images, with a live preview rendered as the site renders it.

    Its own script replaces that of markdownx, which loses the undo history, traps the Tab key and writes error messages
    into the text. `entry` is the entry that the source belongs to, whether it is stored or not.
    """

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.markup = entry.markup
        super().__init__()

    def add_markdownx_attrs(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().add_markdownx_attrs(attrs)
        markup = urlencode({"markup": self.markup})
        entry = f"&{urlencode({'entry': self.entry.pk})}" if self.entry.pk else ""
        return attrs | {
            "data-markup": self.markup,
            "data-markdownx-urls-path": f"{reverse('markdownx_markdownify')}?{markup}{entry}",
            "data-markdownx-upload-urls-path": f"{reverse('markdownx_upload')}?{markup}",
            "data-links-url": reverse("editor_links"),
            "data-media-url": reverse("editor_media"),
            "data-max-bytes": MAX_BYTES,
            "data-max-document-bytes": documents.MAX_BYTES,
            "dir": "auto",
            "rows": 20,
        }

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        convert_url = ""
        if self.entry.pk and self.markup != "markdown":
            convert_url = reverse(f"admin:blog_{self.entry.kind}_convert", args=[self.entry.pk])
        return context | {
            "markup": self.markup,
            "tools": tools_for(self.markup),
            "right_to_left": " ".join(settings.LANGUAGES_BIDI),
            "convert_url": convert_url,
            "accept": ACCEPTED,
        }

    class Media:
        extend = False
        css = {"all": ["admin-broadside/editor.css", "admin-broadside/visual.css"]}
        js = [forms.Script("admin-broadside/editor.js", type="module")]


@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """Show the text as readers will see it, or a sentence that explains why that is impossible.

    `?markup=` is its markup, and `?entry=` the ID of the entry that it belongs to, if that is stored. `language` is the
    language chosen in the form.
    """
    if not may_write(request.user):
        return _error(_("Log in again in another tab to see the preview. Your text is still here."), status=403)
    entry: Entry | None = Post()
    if entry_id := request.GET.get("entry"):
        entry = Entry.objects.without_texts().filter(pk=parse_id(entry_id)).first()
    if entry is None or (entry.pk and not may_edit(request.user, entry)):
        return _error(_("You don't have permission to change this text."), status=403)
    source = request.POST.get("content")
    if source is None:
        return _error(_("There is no text to preview."))
    entry.language = request.POST.get("language", "")
    try:
        rendered = render(source, request.GET.get("markup", "markdown"), entry if entry.pk else None, entry.language)
    except SourceTooLongError as error:
        return _error(str(error))
    except UnknownMarkupError:
        return _error(_("This text is in a format that this site doesn't support, so it can't be previewed."))
    more = format_html('<span class="preview-marker">{}</span>', _("Read more"))
    page_break = format_html('<p><span class="preview-marker">{}</span></p>', _("Page break"))
    html = rendered.body_html
    # The pictures of this text may differ from those of the stored text.
    pictures = Picture.objects.filter(file__in=library_files(html)).select_related("merged_into")
    body = entry.for_readers(html, by_file_name(pictures))
    return HttpResponse(body.replace(MORE_PLACEHOLDER, more).replace(PAGE_BREAK, page_break))


def _error(text: str, status: int = 400) -> HttpResponse:
    return HttpResponse(format_html('<p class="preview-error">{}</p>', text), status=status)
