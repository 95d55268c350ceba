"""Where files of old sites are in the library, by the many addresses that texts name them by."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import PurePath
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Q

from blog.addresses import as_stored
from library.kinds import KINDS
from wordpress.addresses import PICTURE_ENDINGS, old_key, same_file
from wordpress.hosts import host_of, names, own_names, split_host
from wordpress.models import Attachment

# Where WordPress and its like keep uploads. Of what stands elsewhere only a file of ours in some folder is asked about:
# most addresses name other sites.
_UPLOADS = re.compile(r"/(?:wp-content|blogs\.dir|uploads|files|media|images?|assets)/")
_ENDINGS = PICTURE_ENDINGS | KINDS.keys()
# WordPress.com's network hands out pictures as `i0.wp.com/HOST/PATH`.
_PROXIES = {"i0.wp.com", "i1.wp.com", "i2.wp.com", "i3.wp.com"}


# Whether it is known that no file is here.
_none_here: ContextVar[bool] = ContextVar("none_here", default=False)


@contextmanager
def known_if_none_is_here(answer: bool | None = None) -> Iterator[None]:
    """While nobody else can bring in files, ask once and not for each text whether there are any.

    `answer`: whether none is here, if that was asked already (`none_is_here` of another process).
    """
    token = _none_here.set(not Attachment.objects.with_file().exists() if answer is None else answer)
    try:
        yield
    finally:
        _none_here.reset(token)


def none_is_here() -> bool:
    """Whether it is known that no file is here."""
    return _none_here.get()


def files_here(addresses: Iterable[str]) -> Mapping[str, str]:
    """The address here of each of `addresses` that names a file of an old site, of whatever size. One query.

    An address names a host, and that must be one of the site's, or of this one; a path alone is looked for among all.
    """
    if _none_here.get():
        return {}
    wanted = {address: paths for address in addresses if (paths := _host_and_paths(address))}
    every = {path for _host, some in wanted.values() for path in some}
    if not every:
        return {}
    known = Attachment.objects.with_file().filter(Q(path__in=every) | Q(former_path__in=every))
    known = known.defer("caption", "description", "picture__caption").select_related("picture", "document")
    by_path: dict[str, list[Attachment]] = {}
    for attachment in known.order_by("pk"):
        for path in {attachment.path, attachment.former_path}:
            by_path.setdefault(path, []).append(attachment)
    here = {}
    for address, (host, some) in wanted.items():
        candidates = [attachment for path in some for attachment in by_path.get(path, ())]
        if (found := _of_host(host, candidates)) is not None:
            here[address] = found.file_url
    return here


def _host_and_paths(address: str) -> tuple[str, list[str]] | None:
    """The host that `address` names (none for a path), and the paths that its file may have been remembered by."""
    try:
        parts = urlsplit(address)
        host = split_host(parts)
    except ValueError:
        return None
    own_media = parts.path.startswith(settings.MEDIA_URL) and (not host or host in settings.BROADSIDE_OWN_HOSTS)
    if own_media or not (host in _PROXIES or host.endswith(".files.wordpress.com") or _may_be_upload(host, parts.path)):
        return None
    if host in _PROXIES:
        host, _slash, path = parts.path.lstrip("/").partition("/")
        address = f"https://{host}/{path}"
    key = as_stored(old_key(address))
    # Scripts and addresses with a query alone are no files.
    return (host.lower(), same_file(key)) if key.startswith("/") and not key.startswith("/?") else None


def _may_be_upload(host: str, path: str) -> bool:
    if _UPLOADS.search(path):
        return True
    is_in_folder = path.count("/") > 1
    return is_in_folder and PurePath(path).suffix.lower() in _ENDINGS and (not host or host in own_names())


def _of_host(host: str, candidates: list[Attachment]) -> Attachment | None:
    """The first of `candidates` whose site has the name `host`; any site's will do for a name of ours, or none."""
    for attachment in candidates:
        if host in names(map(host_of, (attachment.site, attachment.url, attachment.guid))):
            return attachment
    return candidates[0] if candidates and (not host or host in own_names()) else None
