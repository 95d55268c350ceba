"""The editor's uploads, and serving uploaded files."""

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

from media.byte_ranges import FilePart, requested_range
from media.file_types import file_type_of
from media.permissions import may_upload_while_writing
from media.pictures import InvalidPictureError, store_picture

_PICTURE_TYPES: Final = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".avif": "image/avif",
}
# A cleaned picture has a name that no other file ever gets, so it may be cached for ever.
PERMANENT_NAME = re.compile(r"[0-9a-f]{32}\.[a-z]+")
# What a file may do when it is opened. The page that a browser puts around audio or video requests the file from this
# site once more, so it must have our origin; nothing in it runs either.
INERT_POLICY: Final = "sandbox; default-src 'none'"
PLAYER_POLICY: Final = "sandbox allow-same-origin; default-src 'none'; media-src 'self'"
# In seconds.
HOUR, YEAR = 60 * 60, 60 * 60 * 24 * 365


@require_POST
def markdownx_upload(request: HttpRequest) -> JsonResponse:
    """Store a picture from the editor. Return the code that shows it in the text, or what is wrong with it.

    `?markup=` is the markup of the text: an HTML tag is returned for `html`, else Markdown.
    """
    if not may_upload_while_writing(request.user):
        message = _("You don't have permission to upload images. Log in again, or ask the owner of this site.")
        return _error(message, status=403)
    upload = request.FILES.get("image")
    if upload is None:
        return _error(_("No image was received. Choose one and try again."))
    try:
        picture = store_picture(upload, by=request.user)
    except InvalidPictureError as error:
        return _error(str(error.message))
    url = picture.file.url
    is_markdown = request.GET.get("markup", "markdown") == "markdown"
    code = f"![]({url})" if is_markdown else format_html('<img src="{}" alt="">', url)
    return JsonResponse({"image_code": code})


def _error(message: str, status: int = 400) -> JsonResponse:
    return JsonResponse({"error": message}, status=status)


@require_safe
def media(request: HttpRequest, path: str) -> HttpResponseBase:
    """Serve an uploaded file, or the requested part of it, so that nothing in it can act on this site.

    A web server in front may serve the folder itself if it sets the same headers.
    """
    file = _find_file(path)
    stat = file.stat()
    if not was_modified_since(request.headers.get("If-Modified-Since"), stat.st_mtime):
        # Before the file is opened, because nobody would close it.
        return HttpResponseNotModified()
    last_modified = http_date(stat.st_mtime)
    positions = requested_range(request, stat.st_size, last_modified)
    if positions is not None and not positions:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{stat.st_size}"})
    opened = file.open("rb")
    media_type, is_inline, policy = _serving_rules(file.name)
    response = FileResponse(
        FilePart(opened, positions) if positions else opened,
        status=206 if positions else 200,
        as_attachment=not is_inline,
        filename=file.name,
        content_type=media_type,
    )
    if positions:
        response.headers["Content-Length"] = str(len(positions))
        response.headers["Content-Range"] = f"bytes {positions[0]}-{positions[-1]}/{stat.st_size}"
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = policy
    response.headers["Last-Modified"] = last_modified
    response.headers["Cache-Control"] = (
        f"public, max-age={YEAR}, immutable" if PERMANENT_NAME.fullmatch(file.name) else f"public, max-age={HOUR}"
    )
    return response


def _serving_rules(name: str) -> tuple[str, bool, str]:
    """Return the media type of a file with this name, whether browsers show it, and its Content-Security-Policy."""
    if picture_type := _PICTURE_TYPES.get(PurePath(name).suffix.lower()):
        return picture_type, True, INERT_POLICY
    file_type = file_type_of(name)
    if file_type is None:
        return "application/octet-stream", False, INERT_POLICY
    is_played = file_type.is_inline and file_type.is_audio_or_video
    return file_type.media_type, file_type.is_inline, PLAYER_POLICY if is_played else INERT_POLICY


def _find_file(path: str) -> Path:
    try:
        file = Path(default_storage.path(path))
        is_file = file.is_file()
    except (SuspiciousFileOperation, ValueError, OSError):
        # The path leads out of the folder or is invalid (a NUL, a name that is too long).
        is_file = False
    if not is_file or any(part.startswith(".") for part in PurePath(path).parts):
        raise Http404(_("That file doesn't exist."))
    return file
