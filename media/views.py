"""The editor's uploads, and serving uploaded files."""

import logging
import re
from http import HTTPStatus
from pathlib import PurePath, PurePosixPath
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import OperationalError
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseGone,
    HttpResponseNotModified,
    HttpResponsePermanentRedirect,
    HttpResponseRedirect,
    JsonResponse,
)
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.http import parse_etags, quote_etag, url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from core.site import GoneError
from media.documents import store_document
from media.editor import describe, document_code, picture_code
from media.file_types import PICTURE_TYPES, file_type_of
from media.models import Document, Picture
from media.permissions import may_upload_while_writing
from media.pictures import store_picture
from media.storage import StoredFile
from media.uploads import NOT_STORED, is_meant_as_image, store_upload

_RESTORING: Final = ("media.delete_picture", "media.delete_document")
# Only for an hour, because merging images can be undone.
_REDIRECT_HEADERS: Final = {"Cache-Control": "public, max-age=3600", "Cross-Origin-Resource-Policy": "cross-origin"}
_RENDITION: Final = re.compile(r"renditions/([0-9]{1,18})/.+")
# Source: RFC 9110, 14.
_RANGE: Final = re.compile(r"bytes=(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))")
_ALT_LENGTH: Final = Picture._meta.get_field("alt").max_length
# In hexadecimal digits.
_ETAG_LENGTH: Final = 24
# What a file may do when it is opened. The page in which a browser plays audio or video requests the file again, so it
# needs our origin; scripts don't run there either.
INERT_POLICY: Final = "sandbox; default-src 'none'"
PLAYER_POLICY: Final = "sandbox allow-same-origin; default-src 'none'; media-src 'self'"

_log = logging.getLogger(__name__)


@require_POST
def markdownx_upload(request: HttpRequest) -> JsonResponse:
    """Store a file from the editor, and return it with its code in Markdown (or `?markup=`), or an error."""
    if not may_upload_while_writing(request.user):
        message = _("You don't have permission to upload images. Log in again, or ask the owner of this site.")
        return JsonResponse({"error": message}, status=403)
    upload = request.FILES.get("image")
    if upload is None:
        return JsonResponse({"error": _("No image was received. Choose one and try again.")}, status=400)
    is_markdown = request.GET.get("markup", "markdown") == "markdown"
    try:
        if is_meant_as_image(upload):
            alt = request.POST.get("alt", "").replace("\0", "")[:_ALT_LENGTH]
            picture = store_picture(upload, alt=alt, by=request.user)
            answer = {"image_code": picture_code(picture, is_markdown=is_markdown), "file": describe(picture)}
        elif request.user.has_perm("media.add_document"):
            document = store_document(upload, by=request.user)
            answer = {"image_code": document_code(document, is_markdown=is_markdown), "file": describe(document)}
        else:
            message = _("You don't have permission to upload documents. Ask the owner of this site.")
            return JsonResponse({"error": message}, status=403)
    except ValidationError as error:
        return JsonResponse({"error": error.message}, status=400)
    except (OSError, OperationalError) as error:
        return JsonResponse({"error": _not_stored(error)}, status=503)
    return JsonResponse(answer)


@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    """Store files in the library: all `files` of a form, or a single one for a script that asks for JSON."""
    user = request.user
    wants_json = request.accepts("application/json") and not request.accepts("text/html")
    if not (isinstance(user, User) and user.is_staff and user.has_perms(["media.add_picture", "media.add_document"])):
        text = _("You don't have permission to upload files. Log in again, or ask the owner of this site.")
        return JsonResponse({"error": text}, status=403) if wants_json else HttpResponse(text, status=403)
    stored, errors = 0, []
    for file in request.FILES.getlist("files"):
        if error := _store(file, user):
            # A script shows the name itself.
            errors.append(error if wants_json else f"{file.name}: {error}")
        else:
            stored += 1
    if not request.FILES:
        errors.append(_("No file was received. Choose one and try again."))
    if wants_json:
        return JsonResponse({"error": " ".join(errors)} if errors else {}, status=400 if errors else 200)
    for error in errors:
        messages.error(request, error)
    if stored:
        text = ngettext("%d file was added to the library.", "%d files were added to the library.", stored)
        messages.success(request, text % stored)
    url = request.META.get("HTTP_REFERER", "")
    is_own = url_has_allowed_host_and_scheme(url, {request.get_host()})
    return HttpResponseRedirect(url if is_own else reverse("admin:media_picture_changelist"))


def _store(file: File[bytes], user: User) -> str:
    """Store one file, and return an error message if that is not possible."""
    try:
        store_upload(file, by=user)
    except ValidationError as error:
        return str(error.message)
    except (OSError, OperationalError) as error:
        return _not_stored(error)
    return ""


def _not_stored(error: Exception) -> str:
    _log.error("A file could not be stored: %s", error)
    return str(NOT_STORED)


@require_safe
def media(request: HttpRequest, path: str) -> HttpResponseBase:
    """Serve an uploaded file, or the requested part of it, so that nothing in it can run on this site."""
    if path.startswith("/") or path != PurePosixPath(path).as_posix():
        # A storage may find the same file at several paths, but a deletion is recorded for only one of them.
        raise Http404(_("That file doesn't exist."))
    try:
        elsewhere = _elsewhere(path)
        if elsewhere is None:
            return _serve(request, path)
        if elsewhere.status_code == HTTPStatus.GONE:
            # Users who may restore the file can open it, and no cache stores either response.
            if not request.user.has_perms(_RESTORING):
                raise GoneError(_("That file doesn't exist."))
            response = _serve(request, path)
            response.headers["Cache-Control"] = "private, no-store"
            return response
        return elsewhere
    except FileNotFoundError:
        if former := _of_former_rendition(path):
            return former
        raise Http404(_("That file doesn't exist.")) from None
    except OSError as error:
        # Logged without a traceback, because a page may have many images.
        _log.error("The file %s could not be read: %s", path, error)
        text = _("This file can't be shown at the moment. Try again later.")
        return HttpResponse(text, status=503, headers={"Retry-After": "60"}, content_type="text/plain; charset=utf-8")


def _elsewhere(path: str) -> HttpResponse | None:
    """Return the response for a file that was deleted or merged; None for other files. Takes one query.

    Raises FileNotFoundError for a rendition that a deleted picture does not have.
    """
    if "\0" in path:
        return None
    if rendition := _RENDITION.fullmatch(path):
        found = Picture.objects.filter(pk=int(rendition[1]), deleted_at__isnull=False, merged_into=None)
        if not found.exists():
            return None
        # Only for those who know its name. From the numbers alone, anyone could see when people here delete pictures.
        _find_file(path)
        return HttpResponseGone()
    if path.startswith("documents/"):
        is_deleted = Document.objects.filter(file=path, deleted_at__isnull=False).exists()
        return HttpResponseGone() if is_deleted else None
    deleted = Picture.objects.filter(file=path, deleted_at__isnull=False).select_related("merged_into").first()
    if deleted is None:
        return None
    if shown := deleted.shown:
        return HttpResponsePermanentRedirect(shown.file.url, headers=_REDIRECT_HEADERS)
    return HttpResponseGone()


def _of_former_rendition(path: str) -> HttpResponse | None:
    """Return a redirect from a rendition that no longer exists to its picture. Pages, feeds and previews may have it.

    The name of the picture is compared, because renditions are numbered and pictures in drafts are secret.
    """
    rendition = _RENDITION.fullmatch(path)
    picture = Picture.objects.served().filter(pk=int(rendition[1])).first() if rendition else None
    if picture is None or not PurePath(path).name.startswith(f"{PurePath(str(picture.file.name)).stem}-"):
        return None
    shown = picture.shown
    return HttpResponseRedirect(shown.file.url, headers=_REDIRECT_HEADERS) if shown else None


def _serve(request: HttpRequest, path: str) -> HttpResponseBase:
    file, name = _find_file(path), PurePath(path)
    file_type = file_type_of(name.name)
    picture_type = PICTURE_TYPES.get(name.suffix.lower())
    is_played = file_type is not None and file_type.is_inline and file_type.is_audio_or_video
    policies = {
        "Content-Security-Policy": PLAYER_POLICY if is_played else INERT_POLICY,
        # Web feed readers and previews of links on other sites show our pictures.
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    # From the time itself, which `Last-Modified` would contain, anyone could learn when people work.
    version = salted_hmac("media.views.etag", f"{path} {file.modified} {file.size}", algorithm="sha256").hexdigest()
    etag = quote_etag(version[:_ETAG_LENGTH])
    # The random name of a rendition is never reused, but any other file may be replaced.
    lifetime = "max-age=31536000, immutable" if _RENDITION.fullmatch(path) else "max-age=3600"
    # What a 304 has as well: browsers add it to the stored response. Source: RFC 9110, 15.4.5.
    headers = {**policies, "ETag": etag, "Cache-Control": f"public, {lifetime}"}
    # Compressing a response makes its ETag a weak one.
    if etag in {known.removeprefix("W/") for known in parse_etags(request.headers.get("If-None-Match", ""))}:
        # Before the file is opened, because nothing would close it.
        return HttpResponseNotModified(headers=headers)
    positions = requested_range(request, file.size, etag)
    if positions is not None and not positions:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{file.size}"})
    headers |= {
        "Accept-Ranges": "bytes",
        "Content-Length": str(len(positions) if positions else file.size),
        "X-Content-Type-Options": "nosniff",
    }
    if positions:
        headers["Content-Range"] = f"bytes {positions[0]}-{positions[-1]}/{file.size}"
    return FileResponse(
        file.open(positions),
        status=206 if positions else 200,
        as_attachment=not (picture_type or (file_type and file_type.is_inline)),
        filename=name.name,
        content_type=picture_type or (file_type.media_type if file_type else "application/octet-stream"),
        headers=headers,
    )


def requested_range(request: HttpRequest, size: int, etag: str) -> range | None:
    """Return the positions of the requested bytes in a file of `size` bytes, or None for the whole file.

    The range is empty if the file has none of these bytes. Requests for several ranges at once, or for a range of an
    older version of the file, get the whole file.
    """
    requested = _RANGE.fullmatch(request.headers.get("Range", ""))
    if request.method != "GET" or requested is None or request.headers.get("If-Range", etag) != etag:
        return None
    first, last, suffix_length = requested.groups()
    if suffix_length:
        return range(max(0, size - int(suffix_length)), size)
    if last and int(last) < int(first):
        return None
    return range(int(first), min(int(last) + 1, size) if last else size)


def _find_file(path: str) -> StoredFile:
    """Return the file that is served at `path`. Raises FileNotFoundError."""
    storage: Any = default_storage
    is_hidden = any(part.startswith(".") for part in PurePath(path).parts)
    file: StoredFile | None = None if is_hidden else storage.find(path)
    if file is None:
        raise FileNotFoundError(path)
    return file
