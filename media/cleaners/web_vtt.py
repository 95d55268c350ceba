"""WebVTT: the subtitles of videos. Source: https://www.w3.org/TR/webvtt1/"""

import re
from typing import IO, Final

_BETWEEN_BLOCKS: Final = re.compile(rb"\n{2,}")
_BEFORE_TIMES: Final = re.compile(rb"\A(?:(?![^\n]*-->)[^\n]*\n)*")


def clean_web_vtt(source: IO[bytes], target: IO[bytes]) -> None:
    """Copy only what is shown, with its times.

    Comments, styles, names of subtitles and the text after the signature may say who made them, and with what.
    """
    text = source.read().replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    shown = (_BEFORE_TIMES.sub(b"", block.strip(b"\n")) for block in _BETWEEN_BLOCKS.split(text) if b"-->" in block)
    target.write(b"\n\n".join([b"WEBVTT", *shown]) + b"\n")
