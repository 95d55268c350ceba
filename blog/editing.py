"""The Markdown editor: a field for the source, and the preview that stands beside it."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from markdownx.widgets import MarkdownxWidget

from blog.rendering import MORE_PLACEHOLDER, PART_BREAK, SourceTooLong, UnknownMarkup, render
from library.permissions import may_write
from library.pictures import MAX_BYTES


class SourceEditor(MarkdownxWidget):  # type: ignore[misc]  # markdownx ships no types
    """A text area with a live preview, rendered as the site renders `markup`, that takes pictures."""

    template_name = "markdownx/widget.html"

    def __init__(self, markup: str = "markdown", attrs: dict[str, Any] | None = None) -> None:
        self.markup = markup
        super().__init__(attrs)

    def add_markdownx_attrs(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().add_markdownx_attrs(attrs)
        markup = urlencode({"markup": self.markup})
        return attrs | {
            "data-markdownx-urls-path": f"{reverse('markdownx_markdownify')}?{markup}",
            "data-markdownx-upload-urls-path": f"{reverse('markdownx_upload')}?{markup}",
            # The height is the stylesheet's: the text and its preview scroll side by side.
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
    """The text as readers will see it, or a sentence that says why not. `?markup=` names how it is written."""
    if not may_write(request.user):
        return _sentence(_("Log in again in another window to see the preview. Your text is still here."), status=403)
    source = request.POST.get("content")
    if source is None:
        return _sentence(_("There is no text to show."))
    try:
        rendered = render(source, request.GET.get("markup", "markdown"))
    except SourceTooLong as error:
        return _sentence(str(error))
    except UnknownMarkup:
        return _sentence(_("This site does not know the way this text is written, so there is no preview of it."))
    cut = format_html('<span class="more-mark">{}</span>', _("Lists of posts end here"))
    page_break = format_html('<p><span class="more-mark">{}</span></p>', _("A new page begins here"))
    body = rendered.body_html.replace(MORE_PLACEHOLDER, cut).replace(PART_BREAK, page_break)
    return HttpResponse(body)


def _sentence(text: str, status: int = 400) -> HttpResponse:
    return HttpResponse(format_html('<p class="preview-fault">{}</p>', text), status=status)
