"""Files as an old site has them."""

import io
from pathlib import Path

from PIL import Image

from tests.samples import SAMPLES


def picture(kind: str = "PNG", *, size: tuple[int, int] = (40, 30), colour: str = "teal") -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, colour).save(written, kind)
    return written.getvalue()


def put(folder: Path, *paths: str, content: bytes | None = None) -> Path:
    """Files at these paths below `folder`: pictures, or what their endings say."""
    for path in paths:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(SAMPLES.get(file.suffix, picture()) if content is None else content)
    return folder
