"""Short, playable audio and video, with SECRET wherever their formats have room for it."""

import hashlib
import io
import re
import struct
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cache
from typing import Any, Final

import av
from av.bitstream import BitStreamFilterContext

from tests.factories.files import ogg_page

SECRET: Final = b"Amina-Secret"
_RATE: Final = 48_000
# The sizes of images, in pixels, in codecs that can't have any size.
_SIZES: Final = {"dvvideo": (720, 576), "dnxhd": (1920, 1080), "h263": (176, 144)}
_OPTIONS: Final = {"write_id3v1", "id3v2_version", "write_xing", "live"}


@cache
def recording(container: str, video: str = "", audio: str = "", **options: str) -> bytes:
    """Return half a second of video, a fifth of a second of audio, or both, that say who made them and when."""
    # The comment is larger than an Ogg page.
    said = {"title": SECRET.decode(), "artist": SECRET.decode(), "comment": SECRET.decode() * 6_000}
    said["creation_time"] = "2021-02-03T04:05:06Z"
    return _encode(container, video, audio, said, SECRET.decode(), options)


def encode(container: str, video: str = "", audio: str = "", **said: str) -> bytes:
    """Return a recording with only this metadata. Names that are options of the muxer are passed as options."""
    options = {name: said.pop(name) for name in _OPTIONS & said.keys()}
    return _encode(container, video, audio, said, "", options)


def _encode(
    container: str, video: str, audio: str, said: dict[str, str], stream_title: str, options: dict[str, str]
) -> bytes:
    written = io.BytesIO()
    with av.open(written, "w", format=container, container_options=options) as file:
        file.metadata.update(said)
        streams: list[tuple[Any, Iterable[Any]]] = []
        if video:
            streams.append((_video_stream(file, video), _images()))
        if audio:
            of_codec = {"strict": "experimental", "b": "64000"}
            streams.append((file.add_stream(audio, rate=_RATE, options=of_codec, layout="stereo"), _sound()))
        if container == "matroska" and stream_title:
            file.add_attachment(f"{stream_title}.txt", "text/plain", stream_title.encode())
        for stream, _frames in streams:
            if stream_title:
                stream.metadata["title"] = stream_title
        if stream_title:
            chapters: list[Any] = [_chapter(number, stream_title) for number in range(2)]
            file.set_chapters(chapters)
        for stream, frames in streams:
            for frame in frames:
                file.mux(stream.encode(frame))
            file.mux(stream.encode(None))
    return written.getvalue()


def _video_stream(file: Any, codec: str) -> Any:
    """Add a stream with this codec, in the pixel format of the images if it has that, or else in its first one."""
    width, height = _SIZES.get(codec, (32, 32))
    formats = [each.name for each in av.Codec(codec, "w").video_formats or []]
    pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p" if "yuv420p" in formats or not formats else formats[0]
    # DNxHD has only some bitrates.
    bitrate = {"bit_rate": 36_000_000} if codec == "dnxhd" else {}
    rate = 25 if codec in _SIZES else 10
    return file.add_stream(codec, rate=rate, width=width, height=height, pix_fmt=pix_fmt, **bitrate)


def _chapter(number: int, title: str) -> dict[str, Any]:
    """Return a chapter of a tenth of a second."""
    times = {"start": number, "end": number + 1, "time_base": Fraction(1, 10)}
    return {"id": number, **times, "metadata": {"title": title}}


def _images() -> Iterator[av.VideoFrame]:
    for number in range(5):
        image = av.VideoFrame(32, 32, "yuv420p")
        for plane in image.planes:
            plane.update(bytes([40 * number]) * plane.buffer_size)
        image.pts, image.time_base = number, Fraction(1, 10)
        yield image


def _sound() -> Iterator[av.AudioFrame]:
    for number in range(10):
        sound = av.AudioFrame("s16", "stereo", 1024)
        sound.planes[0].update(bytes(range(256)) * (sound.planes[0].buffer_size // 256))
        sound.rate, sound.pts, sound.time_base = _RATE, number * 1024, Fraction(1, _RATE)
        yield sound


def play(content: bytes) -> tuple[dict[int, list[str]], list[dict[str, str]]]:
    """Return a digest of each frame in each stream, and the metadata of the file and its streams."""
    frames: dict[int, list[str]] = {}
    with av.open(io.BytesIO(content), "r") as file:
        said = [dict(file.metadata), *(dict(each.metadata) for each in file.streams)]
        said += [dict(chapter["metadata"]) for chapter in file.chapters()]
        played = [stream for stream in file.streams if isinstance(stream, av.VideoStream | av.AudioStream)]
        for packet in file.demux(played):
            for frame in packet.decode():
                assert isinstance(frame, av.VideoFrame | av.AudioFrame)
                digest = hashlib.sha256(b"".join(bytes(plane) for plane in frame.planes)).hexdigest()
                frames.setdefault(packet.stream.index, []).append(f"{frame.pts} {digest}")
    return frames, said


def described_ogg() -> bytes:
    """Return audio with a stream that says who made it and when."""
    sound = recording("ogg", audio="libopus")
    second = sound.index(b"OggS", 1)
    skeleton = b"fishead\0" + bytes(36) + b"2021-02-03T04:05:06Z"
    about = b"fisbone\0" + SECRET
    pages = ogg_page(skeleton, serial=77), ogg_page(about, serial=77, flags=0)
    return sound[:second] + b"".join(pages) + sound[second:]


def ebml(element_id: str, *content: bytes) -> bytes:
    body = b"".join(content)
    return bytes.fromhex(element_id) + (1 << 56 | len(body)).to_bytes(8) + body


def live_webm() -> bytes:
    """Return a video as browsers record it, with unknown sizes, followed by additions of other programs."""
    name = ebml("80", ebml("85", SECRET), ebml("437C", b"eng"))
    chapter = ebml("B6", ebml("73C4", b"\1"), ebml("91", b"\0"), name)
    return recording("webm", "libvpx", "vorbis", live="1") + b"".join(
        [
            ebml("1043A770", ebml("45B9", chapter)),
            ebml("1254C367", ebml("7373", ebml("67C8", ebml("45A3", b"ARTIST"), ebml("4487", SECRET)))),
            ebml("1941A469", ebml("61A7", ebml("466E", SECRET), ebml("465C", SECRET * 90))),
            ebml("EC", SECRET),
            # Not in any specification.
            ebml("1F000001", SECRET),
        ]
    )


def riff(kind: bytes, body: bytes) -> bytes:
    return struct.pack("<4sI", kind, len(body)) + body + bytes(len(body) % 2)


def camera_avi() -> bytes:
    """Return a video with the additions of cameras: dates, places, and padding with remains of other files."""
    video = recording("avi", "mjpeg", "pcm_s16le")
    added = riff(b"IDIT", b"WED FEB 03 2021") + riff(b"ISMP", SECRET) + riff(b"_PMX", SECRET) + riff(b"JUNK", SECRET)
    size = int.from_bytes(video[4:8], "little") + len(added)
    return video[:4] + struct.pack("<I", size) + video[8:] + added


def noted(container: str, audio: str = "aac", **options: str) -> bytes:
    """Return H.264 with a camera's message within the video (SEI), and with audio."""
    written = io.BytesIO()
    note = f"h264_metadata=sei_user_data=17ee8c60-f84d-11d9-8cd6-0800200c9a66+MDPM{SECRET.decode()}"
    source = io.BytesIO(recording("mov", "libx264", audio))
    with (
        av.open(source, "r") as file,
        av.open(written, "w", format=container, container_options=options) as copy,
    ):
        # Without the chapter titles.
        copied = [*file.streams.video, *file.streams.audio]
        streams = {stream.index: copy.add_stream_from_template(stream) for stream in copied}
        video = file.streams.video[0]
        noting = BitStreamFilterContext(note, video, streams[video.index])
        for packet in file.demux(copied):
            for each in noting.filter(packet) if packet.stream is video else [packet]:
                if each.dts is not None:
                    each.stream = streams[packet.stream.index]
                    copy.mux(each)
    return written.getvalue()


def messages(*kinds_and_contents: tuple[int, bytes]) -> bytes:
    """Return a unit of H.264 with these messages (ITU-T H.264, 7.3.2.3.1), preceded by its length."""
    content = b"".join(
        b"\xff" * (kind // 255) + bytes([kind % 255]) + b"\xff" * (len(said) // 255) + bytes([len(said) % 255]) + said
        for kind, said in kinds_and_contents
    )
    unit = b"\x06" + re.sub(rb"\0\0(?=[\0-\x03])", b"\0\0\x03", content + b"\x80")
    return len(unit).to_bytes(4) + unit


# Every way of storing metadata in a recording, with a file name.
RECORDINGS: Final = {
    "Vorbis": (recording("ogg", audio="vorbis"), "a.ogg"),
    "Opus": (recording("ogg", audio="libopus"), "a.opus"),
    "FLAC in Ogg": (recording("ogg", audio="flac"), "a.oga"),
    "an Ogg with Skeleton": (described_ogg(), "a.ogg"),
    "a chained Ogg": (recording("ogg", audio="libopus") + described_ogg(), "b.ogg"),
    "a WebM": (recording("webm", "libvpx", "vorbis"), "a.webm"),
    "a WebM of a browser": (live_webm(), "b.webm"),
    "a Matroska": (recording("matroska", "mpeg4", "flac"), "a.mkv"),
    "an AVI": (camera_avi(), "a.avi"),
    "a Windows Media video": (recording("asf", "wmv2", "wmav2"), "a.wmv"),
    "a whole FLAC": (recording("flac", audio="flac"), "b.flac"),
    "a whole WAV": (recording("wav", audio="pcm_s16le"), "b.wav"),
    "a whole MP3": (recording("mp3", audio="libmp3lame"), "b.mp3"),
    "a whole MP4": (recording("mp4", "mpeg4", "aac"), "b.mp4"),
    "an MP4 of a camera": (noted("mp4"), "c.mp4"),
    "an MP4 of a browser": (noted("mp4", movflags="frag_every_frame+empty_moov+default_base_moof"), "d.mp4"),
    "an AVI of a camera": (noted("avi", "pcm_s16le"), "b.avi"),
    "a Matroska of a camera": (noted("matroska"), "b.mkv"),
    "H.265 of a phone": (recording("mov", "libx265", "aac"), "a.mov"),
    "H.265 in Matroska": (recording("matroska", "libx265", "aac"), "c.mkv"),
}
