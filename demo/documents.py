"""One-page PDFs for the demo site, written by hand so that they need no library."""

from textwrap import wrap

_PAGE_SIZE = (595, 842)  # A4, in points
_MARGIN, _LINE_HEIGHT = 72, 16  # in points
_MAX_LINE_LENGTH = 82  # in characters


def make_pdf(title: str, lines: list[str]) -> bytes:
    """Return an A4 page with the title and the lines, set in Helvetica.

    Long lines are wrapped, empty lines leave a gap, and what doesn't fit on the page is left out.
    Only Western European characters are shown; others become question marks.
    """
    rows = [row for line in lines for row in wrap(line, _MAX_LINE_LENGTH) or [""]]
    rows = rows[: (_PAGE_SIZE[1] - 3 * _MARGIN) // _LINE_HEIGHT]
    text = [
        b"BT /Bold 18 Tf %d %d Td %s Tj" % (_MARGIN, _PAGE_SIZE[1] - _MARGIN - 18, _string_literal(title)),
        b"/Text 11 Tf 0 %d Td %d TL" % (-2 * _LINE_HEIGHT, _LINE_HEIGHT),
        *(_string_literal(row) + b" Tj T*" for row in rows),
        b"ET",
    ]
    stream = b"\n".join(text)
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding >>"
    return _file(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents 4 0 R" % _PAGE_SIZE
            + b" /Resources << /Font << /Text 5 0 R /Bold 6 0 R >> >> >>",
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
            font % b"Helvetica",
            font % b"Helvetica-Bold",
            b"<< /Title <%s> >>" % ("\ufeff" + title).encode("utf-16-be").hex().encode(),
        ]
    )


def _string_literal(text: str) -> bytes:
    encoded = text.encode("cp1252", "replace")
    for special in (b"\\", b"(", b")"):
        encoded = encoded.replace(special, b"\\" + special)
    return b"(" + encoded + b")"


def _file(objects: list[bytes]) -> bytes:
    """Return a file of numbered objects with their index. The first is the catalog, the last the metadata."""
    body, offsets = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    count = len(objects) + 1
    index = b"0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"<< /Size %d /Root 1 0 R /Info %d 0 R >>" % (count, len(objects))
    return b"%sxref\n0 %d\n%strailer\n%s\nstartxref\n%d\n%%%%EOF\n" % (body, count, index, trailer, len(body))
