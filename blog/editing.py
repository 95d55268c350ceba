"""The editor: a text area for the source, with a live preview beside it."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from markdownx.widgets import MarkdownxWidget

from blog.permissions import may_write
from blog.rendering import MORE_PLACEHOLDER, PAGE_BREAK, SourceTooLongError, UnknownMarkupError, render
from media.pictures import MAX_BYTES


class SourceEditor(MarkdownxWidget):  # type: ignore[misc]  # markdownx ships no types
    """A text area that takes images, with a live preview rendered from `markup` as the site renders it."""

    def __init__(self, markup: str = "markdown", attrs: dict[str, Any] | None = None) -> None:
        self.markup = markup
        super().__init__(attrs)

    def add_markdownx_attrs(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().add_markdownx_attrs(attrs)
        markup = urlencode({"markup": self.markup})
        return attrs | {
            "data-markdownx-urls-path": f"{reverse('markdownx_markdownify')}?{markup}",
            "data-markdownx-upload-urls-path": f"{reverse('markdownx_upload')}?{markup}",
            # The stylesheet sets the height: the text and its preview scroll side by side.
            "data-markdownx-editor-resizable": "False",
            "data-max-bytes": MAX_BYTES,
            "dir": "auto",
            "rows": 20,
        }

    class Media:
        css = {"all": ["admin-broadside/editor.css"]}
        js = [forms.Script("admin-broadside/editor.js", type="module")]


@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """Show the text as readers will see it, or a sentence that says why not. `?markup=` names its markup."""
    if not may_write(request.user):
        return _error(_("Log in again in another tab to see the preview. Your text is still here."), status=403)
    source = request.POST.get("content")
    if source is None:
        return _error(_("There is no text to preview."))
    try:
        rendered = render(source, request.GET.get("markup", "markdown"))
    except SourceTooLongError as error:
        return _error(str(error))
    except UnknownMarkupError:
        return _error(_("This text is in a format that this site doesn't support, so it can't be previewed."))
    more = format_html('<span class="preview-marker">{}</span>', _("Read more"))
    page_break = format_html('<p><span class="preview-marker">{}</span></p>', _("Page break"))
    body = rendered.body_html.replace(MORE_PLACEHOLDER, more).replace(PAGE_BREAK, page_break)
    return HttpResponse(body)


def _error(text: str, status: int = 400) -> HttpResponse:
    return HttpResponse(format_html('<p class="preview-error">{}</p>', text), status=status)
