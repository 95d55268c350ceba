"""Files as an old site has them."""

import io
from pathlib import Path

from PIL import Image

PDF = b"%PDF-1.4\n1 0 obj\n%%EOF\n"


def picture(kind: str = "PNG", *, size: tuple[int, int] = (40, 30), colour: str = "teal") -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, colour).save(written, kind)
    return written.getvalue()


def put(folder: Path, *paths: str, content: bytes | None = None) -> Path:
    """Pictures (PDF files by their names) at these paths below `folder`."""
    for path in paths:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if content is not None else PDF if path.endswith(".pdf") else picture())
    return folder
