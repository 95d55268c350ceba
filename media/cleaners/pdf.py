"""Removing metadata and active content from PDFs."""

import re
from collections.abc import Iterator, Set
from typing import IO, Any, BinaryIO, Final, cast

import pikepdf
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from media.cleaners.codestreams import blank_jpeg, strip_jpeg, strip_jpeg2000, strip_profile
from media.cleaners.markup import LOCAL_LINK, LOCAL_PATH

_MAX_OBJECTS: Final = 300_000
# How much may be read again because pages share it: bytes of content, and for each name of a resource a few more.
_MAX_REPEATED: Final = 100_000_000
_BYTES_PER_NAME: Final = 25
# Properties, private data of programs, scripts, attachments, thumbnails, originals for printing, and signatures, which
# become invalid anyway. Source: ISO 32000-1, 7.7.2 (catalogue), 8.11.4 (optional content), 12.5.2 (annotations), 12.6
# (actions), 12.8 (signatures), 14.3 to 14.5 (metadata), 14.10 (web capture), 14.11.7 (originals).
_REVEALING_KEYS: Final = {
    *("/Metadata", "/PieceInfo", "/LastModified", "/AA", "/JS", "/OpenAction", "/XFA", "/EF", "/AF", "/Thumb"),
    *("/Perms", "/DSS", "/Legal", "/SigFlags", "/SpiderInfo", "/Collection", "/CreatorInfo", "/Creator", "/Author"),
    *("/Producer", "/ExData", "/User", "/OPI"),
}
# The beginnings of the keys under which TeX records details of included files, such as their paths, and others theirs.
_PRIVATE: Final = ("/PTEX.", "/PDFpen", "/ITXT")
# The keys that are kept in the catalogue, in its names, and in pages. Programs add keys of their own.
_KEPT: Final = {
    "/Catalog": {
        *("/Type", "/Version", "/Extensions", "/Pages", "/PageLabels", "/Names", "/Dests", "/ViewerPreferences"),
        *("/PageLayout", "/PageMode", "/Outlines", "/URI", "/AcroForm", "/StructTreeRoot", "/MarkInfo", "/Lang"),
        *("/OutputIntents", "/OCProperties"),
    },
    "/Page": {
        *("/Type", "/Parent", "/Resources", "/MediaBox", "/CropBox", "/BleedBox", "/TrimBox", "/ArtBox"),
        *("/BoxColorInfo", "/Contents", "/Rotate", "/Group", "/Dur", "/Trans", "/Annots", "/StructParents"),
        *("/Tabs", "/UserUnit", "/PresSteps"),
    },
}
_KEPT_NAMES: Final = {"/Dests", "/AP"}
# The dictionaries whose keys are names, which may look like any other key.
_NAMED: Final = {
    *("/Font", "/XObject", "/ColorSpace", "/Pattern", "/Shading", "/Properties", "/ExtGState", "/CharProcs"),
    *("/Dests", "/RoleMap", "/ClassMap"),
}
# Word describes images by their paths, if their authors don't describe them. Links may be relative to a folder.
_MAY_BE_PATHS: Final = {"/Alt", "/Base"}
# What drawing programs record about a shape, such as its owner.
_USER_PROPERTIES: Final = "/UserProperties"
_ANNOTATION_KEYS: Final = {"/T", "/CreationDate", "/M", "/NM", "/RC", "/Subj"}
_FILE_KEYS: Final = {"/F", "/UF", "/DOS", "/Mac", "/Unix", "/Desc", "/ID", "/CI"}
_SIGNATURE_KEYS: Final = {"/Name", "/Location", "/Reason", "/ContactInfo", "/M", "/Cert", "/Prop_Build", "/Contents"}
# The types of content streams, and keys that show that a stream without a type is something else.
_CONTENT: Final = {"/XObject", "/Pattern"}
_OTHER_KEYS: Final = {"/Length1", "/FunctionType", "/CMapName", "/ShadingType"}
_IMAGE_FILTERS: Final = {"/CCITTFaxDecode", "/DCTDecode", "/JBIG2Decode", "/JPXDecode"}
# An image within content: the name of its filter, and the beginning of its data, which follows soon.
_JPEG_FILTER: Final = re.compile(rb"/DCT(?:Decode)?\b")
_IMAGE_DATA: Final = re.compile(rb"\bID\s")
_MAX_DESCRIPTION: Final = 2_000
# Annotations that consist of an attached file, a video or a sound.
_ATTACHMENTS: Final = {"/FileAttachment", "/Movie", "/Sound", "/Screen", "/RichMedia", "/3D"}
# The action of a click, the actions that follow it, and the former action of a link.
_ACTION_KEYS: Final = {"/A", "/Next", "/PA"}
_RUNNING_ACTIONS: Final = {
    *("/JavaScript", "/Launch", "/ImportData", "/SubmitForm", "/Rendition", "/GoToR", "/GoToE", "/Movie", "/Sound"),
}


def clean(source: IO[bytes], target: IO[bytes]) -> None:
    """Remove properties, XMP, authors of comments, scripts, attachments, earlier versions, and images without a page.

    The images that are shown lose their EXIF.
    """
    try:
        with pikepdf.open(cast("BinaryIO", source)) as pdf:
            if len(pdf.objects) > _MAX_OBJECTS:
                raise _too_complex()
            _remove_unused_images(pdf)
            names = pdf.Root.get("/Names")
            if isinstance(names, pikepdf.Dictionary):
                _remove(names, names.keys() - _KEPT_NAMES)
            named = _named_dictionaries(pdf)
            # Numbers and other simple values have become Python objects.
            for item in pdf.objects:
                if isinstance(item, pikepdf.Object):
                    for each in _dictionaries(item, is_named=item.objgen in named):
                        _clean_object(each)
            for key in ("/Info", "/ID"):
                if key in pdf.trailer:
                    del pdf.trailer[key]
            # Only reachable objects are written, so no earlier versions are.
            pdf.save(cast("BinaryIO", target), deterministic_id=True)
    except pikepdf.PasswordError as error:
        raise ValidationError(_("The PDF is protected by a password. Save it without one.")) from error
    except pikepdf.PdfError as error:
        raise ValidationError(_("This PDF is damaged. Save it again in the program that made it.")) from error


def _too_complex() -> ValidationError:
    return ValidationError(
        _("The PDF is too complex to be cleaned. Split it into several files, or print it to a new PDF, and try again.")
    )


def _remove_unused_images(pdf: pikepdf.Pdf) -> None:
    """Remove the images that no page shows, such as those of other pages that the file once had.

    What pages share is read for each of them, so a small file could take hours. Raises ValidationError instead.
    """
    repeated = 0
    known: dict[tuple[int, int], tuple[int, list[Any]]] = {}
    for page in pdf.pages:
        contents: Any = page.obj.get("/Contents")
        waiting: list[Any] = [page.resources, *(contents if isinstance(contents, pikepdf.Array) else [contents])]
        seen = set()
        while waiting:
            item = waiting.pop()
            if not isinstance(item, pikepdf.Dictionary | pikepdf.Stream) or (item.is_indirect and item.objgen in seen):
                continue
            seen.add(item.objgen)
            if item.is_indirect and item.objgen in known:
                repeated += known[item.objgen][0]
                if repeated > _MAX_REPEATED:
                    raise _too_complex()
            else:
                known[item.objgen] = _read(item)
            waiting += known[item.objgen][1]
    pdf.remove_unreferenced_resources()


def _read(item: Any) -> tuple[int, list[Any]]:
    """Return what reading an object costs, and the other objects with which that continues.

    Bytes of content are counted, and names of resources, which are compared: each takes as long as a few bytes.
    """
    cost, waiting = 0, [item]
    others: list[Any] = []
    while waiting:
        each = waiting.pop()
        cost += len(each.read_bytes()) if isinstance(each, pikepdf.Stream) else _BYTES_PER_NAME * len(each.keys())
        for part in _searched_parts(each):
            (others if part.is_indirect else waiting).append(part)
    return cost, others


def _searched_parts(item: Any) -> list[Any]:
    """Return the resources of content, those of a kind, or the content that resources contain."""
    parts = ((key, item[key]) for key in item.keys())  # noqa: SIM118  # not a dict
    return [
        part
        for key, part in parts
        if (isinstance(part, pikepdf.Stream) and str(part.get("/Subtype", "")) == "/Form")
        or (isinstance(part, pikepdf.Dictionary) and key in {"/Resources", "/XObject", "/Font"})
    ]


def _named_dictionaries(pdf: pikepdf.Pdf) -> set[tuple[int, int]]:
    """Return the IDs of the dictionaries whose keys are names, by which content refers to fonts and images."""
    ids = set()
    for item in pdf.objects:
        if isinstance(item, pikepdf.Dictionary | pikepdf.Stream):
            around = [item, *(item[key] for key in item.keys() & {"/Resources", "/DR"})]
            for each in around:
                if isinstance(each, pikepdf.Dictionary | pikepdf.Stream):
                    named = [each[key] for key in each.keys() & _NAMED]
                    ids |= {part.objgen for part in named if isinstance(part, pikepdf.Dictionary)}
    return ids


def _dictionaries(item: Any, *, is_named: bool) -> Iterator[Any]:
    """Yield an object and its parts, as far as they are dictionaries or streams.

    Those whose keys are names are left out; `is_named` says whether the object is one of them.
    """
    waiting = [(item, is_named)]
    while waiting:
        each, is_named = waiting.pop()
        parts: list[tuple[Any, bool]] = []
        if isinstance(each, pikepdf.Dictionary | pikepdf.Stream):
            if not is_named:
                yield each
            parts = [(each[key], not is_named and key in _NAMED) for key in each.keys()]  # noqa: SIM118  # not a dict
        elif isinstance(each, pikepdf.Array):
            parts = [(part, False) for part in list(each)]
        # Indirect parts are among the objects of the file.
        waiting += [part for part in parts if isinstance(part[0], pikepdf.Object) and not part[0].is_indirect]


def _clean_object(item: Any) -> None:
    _remove(item, _REVEALING_KEYS)
    kind, subtype = str(item.get("/Type", "")), str(item.get("/Subtype", ""))
    if kind in _KEPT:
        _remove(item, item.keys() - _KEPT[kind])
    keys = item.keys()
    _remove(item, {key for key in keys if key.startswith(_PRIVATE)})
    for key in keys & _ACTION_KEYS:
        action = item[key]
        actions = list(action) if isinstance(action, pikepdf.Array) else [action]
        if any(map(_is_running, actions)):
            del item[key]
    _remove(item, {key for key in keys & _MAY_BE_PATHS if LOCAL_PATH.match(str(item[key]))})
    if "/O" in keys and str(item["/O"]) == _USER_PROPERTIES:
        _remove(item, {"/P"})
    if "/Rect" in keys and subtype != "/Widget":
        # In a form field, /T is the name of the field and not of an author.
        _remove(item, _ANNOTATION_KEYS)
    if kind in {"/Filespec", "/F"} or ("/UF" in keys and not isinstance(item, pikepdf.Stream)):
        _remove(item, _FILE_KEYS)
    if "/ByteRange" in keys or kind == "/Sig":
        _remove(item, _SIGNATURE_KEYS)
    if "/FT" in keys and str(item["/FT"]) == "/Sig":
        _remove(item, {"/V"})
    if "/Annots" in keys and isinstance(item["/Annots"], pikepdf.Array):
        item["/Annots"] = pikepdf.Array([each for each in item["/Annots"] if not _is_attachment(each)])
    if isinstance(item, pikepdf.Stream):
        _clean_stream(item)


def _remove(item: Any, keys: Set[str]) -> None:
    for key in item.keys() & keys:
        del item[key]


def _is_running(action: Any) -> bool:
    """Whether an action runs something, or leads to a file on the author's machine."""
    if not isinstance(action, pikepdf.Dictionary):
        return False
    return str(action.get("/S")) in _RUNNING_ACTIONS or LOCAL_LINK.match(str(action.get("/URI", ""))) is not None


def _is_attachment(annotation: Any) -> bool:
    return isinstance(annotation, pikepdf.Dictionary) and str(annotation.get("/Subtype", "")) in _ATTACHMENTS


def _clean_stream(stream: Any) -> None:
    """Remove metadata from an image, a colour profile, or content with images in it."""
    # The file whose page the content stands for, other versions of an image, and the place that it shows.
    _remove(stream, {"/Ref", "/Alternates", "/Measure", "/PtData"})
    # Not every image is marked as one.
    if str(stream.get("/Subtype", "/Form")) != "/Form" or _IMAGE_FILTERS.intersection(_filters(stream)):
        _clean_image(stream)
    elif "/N" in stream and "/Type" not in stream:
        stream.write(strip_profile(stream.read_bytes()))
    elif str(stream.get("/Type", "/XObject")) in _CONTENT and not _OTHER_KEYS & stream.keys():
        _clean_inline_images(stream)


def _filters(stream: Any) -> list[str]:
    """Return the names of the filters that decode a stream, one after the other."""
    filters = stream.get("/Filter", [])
    return [str(name) for name in filters] if isinstance(filters, list | pikepdf.Array) else [str(filters)]


def _clean_image(stream: Any) -> None:
    """Remove the metadata of a JPEG or JPEG 2000, which may be compressed or encoded again. Raises ValidationError."""
    names = _filters(stream)
    if names[-1:] == ["/DCTDecode"]:
        strip, kind = strip_jpeg, pikepdf.Name.DCTDecode
    elif names[-1:] == ["/JPXDecode"]:
        strip, kind = strip_jpeg2000, pikepdf.Name.JPXDecode
    else:
        return
    parameters, is_packed = stream.get("/DecodeParms"), len(names) > 1
    if is_packed:
        # Only the filters before the last one, so that the image itself isn't decoded.
        stream.Filter = pikepdf.Array(list(stream.Filter)[:-1])
    if isinstance(parameters, pikepdf.Array):
        *others, parameters = [*parameters] or [None]
        stream.DecodeParms = pikepdf.Array(others)
    content = stream.read_bytes() if is_packed else stream.read_raw_bytes()
    stream.write(strip(content), filter=kind, decode_parms=parameters)


def _clean_inline_images(stream: Any) -> None:
    """Overwrite the metadata of JPEGs within content (ISO 32000-1, 8.9.7). Compressed ones raise ValidationError."""
    before = stream.read_bytes(pikepdf.StreamDecodeLevel.specialized)
    content, position = bytearray(before), 0
    for name in _JPEG_FILTER.finditer(before):
        data = _IMAGE_DATA.search(before, name.end(), name.end() + _MAX_DESCRIPTION)
        begins = before.rfind(b"BI", max(0, name.start() - _MAX_DESCRIPTION), name.start())
        if data is None or begins < position:
            continue
        if not before.startswith(b"\xff\xd8", data.end()):
            raise _too_complex()
        position = blank_jpeg(content, data.end())
    if position:
        stream.write(bytes(content))
