"""What the editor uploads, and how uploads are handed out."""

import re
from pathlib import Path, PurePath
from typing import Final

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.html import format_html
from django.utils.http import http_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django.views.static import was_modified_since

from library.kinds import kind_of
from library.permissions import may_add_pictures
from library.pictures import NotAPicture, store_picture
from library.ranges import Part, range_asked

_PICTURES: Final = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".avif": "image/avif",
}
# Pictures that were cleaned bear a name that no other file ever gets: they may be kept for good.
NAMED_FOR_GOOD = re.compile(r"[0-9a-f]{32}\.[a-z]+")
# What a file may do once it is open. The page that a browser puts around a recording or film asks this site for it once
# more, so it must be of this site; nothing in it runs either.
NOTHING: Final = "sandbox; default-src 'none'"
PLAYING: Final = "sandbox allow-same-origin; default-src 'none'; media-src 'self'"
HOUR, YEAR = 60 * 60, 60 * 60 * 24 * 365


@require_POST
def markdownx_upload(request: HttpRequest) -> JsonResponse:
    """Take a picture dropped into the editor; answer with what stands for it in the text, or with what is wrong.

    `?markup=` says how the text is written: a tag for HTML, else Markdown.
    """
    if not may_add_pictures(request.user):
        return _refused(_("You may not upload pictures. Log in again, or ask who runs the site."), status=403)
    upload = request.FILES.get("image")
    if upload is None:
        return _refused(_("No picture came along: choose one and try again."))
    try:
        picture = store_picture(upload, by=request.user)
    except NotAPicture as error:
        return _refused(str(error.message))
    address = picture.file.url
    in_markdown = request.GET.get("markup", "markdown") == "markdown"
    code = f"![]({address})" if in_markdown else format_html('<img src="{}" alt="">', address)
    return JsonResponse({"image_code": code})


def _refused(why: str, status: int = 400) -> JsonResponse:
    return JsonResponse({"error": why}, status=status)


@require_safe
def media(request: HttpRequest, path: str) -> HttpResponseBase:
    """One uploaded file, or the part of it that is asked for, in a way that nothing in it can act on this site.

    A web server in front may hand out the folder itself; it has to set the same headers.
    """
    file = _file_at(path)
    about = file.stat()
    if not was_modified_since(request.headers.get("If-Modified-Since"), about.st_mtime):
        # Before the file is opened: nobody would close it.
        return HttpResponseNotModified()
    last_modified = http_date(about.st_mtime)
    places = range_asked(request, about.st_size, last_modified)
    if places is not None and not places:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{about.st_size}"})
    opened = file.open("rb")
    media_type, is_shown, policy = _handed_out_as(file.name)
    response = FileResponse(
        Part(opened, places) if places else opened,
        status=206 if places else 200,
        as_attachment=not is_shown,
        filename=file.name,
        content_type=media_type,
    )
    if places:
        response.headers["Content-Length"] = str(len(places))
        response.headers["Content-Range"] = f"bytes {places[0]}-{places[-1]}/{about.st_size}"
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = policy
    response.headers["Last-Modified"] = last_modified
    response.headers["Cache-Control"] = (
        f"public, max-age={YEAR}, immutable" if NAMED_FOR_GOOD.fullmatch(file.name) else f"public, max-age={HOUR}"
    )
    return response


def _handed_out_as(name: str) -> tuple[str, bool, str]:
    """The media type of a file of this name, whether browsers show it in place, and what it may do there."""
    if picture := _PICTURES.get(PurePath(name).suffix.lower()):
        return picture, True, NOTHING
    kind = kind_of(name)
    if kind is None:
        return "application/octet-stream", False, NOTHING
    return kind.media_type, kind.is_shown, PLAYING if kind.is_shown and kind.is_recording else NOTHING


def _file_at(path: str) -> Path:
    try:
        file = Path(default_storage.path(path))
        found = file.is_file()
    except (SuspiciousFileOperation, ValueError, OSError):
        # Out of the folder, or no path at all (a zero byte, a name that is too long).
        found = False
    if not found or any(part.startswith(".") for part in PurePath(path).parts):
        raise Http404(_("There is no such file."))
    return file
