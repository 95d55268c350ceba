"""Measures the media library with 20,000 images: queries and time for its pages and for finding duplicates.

See README.md.
"""

import datetime as dt
import hashlib
import time
import timeit
from functools import partial

import scratch_site  # isort: split

from django.test import Client

from blog.models import Entry
from media import duplicates
from media.fingerprints import find_like
from media.models import Picture, RenditionState

PICTURES = 20_000
ENTRIES = 200
LIMIT = 8
REPEATS = 5
URL = "/admin/media/picture/"
FILTERS = (
    "",
    "used=no",
    "used=yes",
    "alt=no",
    "size=large",
    "type=png",
    "month=2014-05",
    "q=image+77",
    "p=400",
    "deleted=yes",
)


def build() -> Client:
    """Create PICTURES images, half of which are used in one of ENTRIES posts each, and log in as an editor."""
    scratch_site.migrate()
    editor, client = scratch_site.log_in("Editor")
    first = dt.datetime(2010, 1, 1, tzinfo=dt.UTC)
    rows = [
        Picture(
            file=f"pictures/2026/11/{n:032x}.png",
            title=f"Image {n}",
            alt="A lamp" * (n % 3 > 0),
            width=1200,
            height=800,
            size=n * 100,
            rendition_state=RenditionState.DONE,
            # Every tenth looks nearly the same as the one before it.
            fingerprint=_fingerprint(n - 1) ^ 5 if n % 10 == 9 else _fingerprint(n),
            uploaded_by=editor,
        )
        for n in range(PICTURES)
    ]
    Picture.objects.bulk_create(rows, batch_size=1000)
    pictures = list(Picture.objects.order_by("pk"))
    for n, picture in enumerate(pictures):
        picture.uploaded_at = first + dt.timedelta(hours=7 * n)
    Picture.objects.bulk_update(pictures, ["uploaded_at"], batch_size=1000)
    posts = scratch_site.create_posts(ENTRIES, editor)
    through = Entry.pictures.through
    used = [through(entry=posts[n % ENTRIES], picture=picture) for n, picture in enumerate(pictures[::2])]
    through._default_manager.bulk_create(used, batch_size=1000)
    return client


def main() -> None:
    client = build()
    client.get(URL)
    for query in FILTERS:
        url = f"{URL}?{query}"
        with scratch_site.recorded_queries() as queries:
            response = client.get(url)
        assert response.status_code == 200, response  # a failed request would be fast
        seconds = min(timeit.repeat(partial(client.get, url), number=1, repeat=REPEATS, timer=time.process_time))
        print(f"{query or 'all':>14}: {len(queries)} queries, {seconds * 1000:.0f} ms of processor time")
        if len(queries) > LIMIT:
            raise SystemExit("Failed: too many queries.")
    _measure_duplicates()


def _fingerprint(n: int) -> int:
    return int.from_bytes(hashlib.sha256(str(n).encode()).digest()[:8], signed=True)


def _measure_duplicates() -> None:
    def pairs(count: int) -> float:
        rows = [(n, _fingerprint(n), 1.5) for n in range(count)]
        return timeit.timeit(lambda: list(find_like(rows)), number=1, timer=time.process_time)

    seconds = timeit.timeit(duplicates.search, number=1, timer=time.process_time)
    print(f"Duplicates: {len(duplicates.groups())} groups found in {seconds:.1f} s of processor time,")
    print(f"            {pairs(PICTURES) / pairs(PICTURES // 4):.1f} times as long as among a quarter of the images.")


if __name__ == "__main__":
    main()
