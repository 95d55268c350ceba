"""A one-page PDF for the demo site, put together by hand so that it needs no library."""

from textwrap import wrap

PAGE = (595, 842)  # A4, in points
MARGIN, LEADING, COLUMN = 72, 16, 82  # points, points, characters


def document(title: str, lines: list[str]) -> bytes:
    """Set the title and the lines on one A4 page in Helvetica.

    Long lines are wrapped, an empty one leaves a gap, and what does not fit on the page is left out.
    Only Western European letters are shown: others become question marks.
    """
    rows = [row for line in lines for row in wrap(line, COLUMN) or [""]]
    rows = rows[: (PAGE[1] - 3 * MARGIN) // LEADING]
    text = [
        b"BT /Bold 18 Tf %d %d Td %s Tj" % (MARGIN, PAGE[1] - MARGIN - 18, _string(title)),
        b"/Text 11 Tf 0 %d Td %d TL" % (-2 * LEADING, LEADING),
        *(_string(row) + b" Tj T*" for row in rows),
        b"ET",
    ]
    stream = b"\n".join(text)
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding >>"
    return _file(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents 4 0 R" % PAGE
            + b" /Resources << /Font << /Text 5 0 R /Bold 6 0 R >> >> >>",
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
            font % b"Helvetica",
            font % b"Helvetica-Bold",
            b"<< /Title <%s> >>" % ("\ufeff" + title).encode("utf-16-be").hex().encode(),
        ]
    )


def _string(text: str) -> bytes:
    """A PDF string literal."""
    encoded = text.encode("cp1252", "replace")
    for special in (b"\\", b"(", b")"):
        encoded = encoded.replace(special, b"\\" + special)
    return b"(" + encoded + b")"


def _file(objects: list[bytes]) -> bytes:
    """Number the objects (the first is the catalogue, the last the information) and index them."""
    body, offsets = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    count = len(objects) + 1
    index = b"0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"<< /Size %d /Root 1 0 R /Info %d 0 R >>" % (count, len(objects))
    return b"%sxref\n0 %d\n%strailer\n%s\nstartxref\n%d\n%%%%EOF\n" % (body, count, index, trailer, len(body))
