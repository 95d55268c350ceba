# /// script
# requires-python = ">=3.13"
# dependencies = ["brotli==1.2.1", "fonttools==4.68.0", "fontpkg-literata==3.103"]
# ///
"""Make the files in this folder from the family as it was published: `uv run --script build.py`.

Each has the letters of one script, upright or italic, in weights from 400 to 700 and in the shapes for texts. Left out
are other optical sizes and weights, small capitals, old figures and the like. Anyone gets the same bytes.
"""

from hashlib import sha256
from pathlib import Path

import fontpkg_literata
from fontTools import subset
from fontTools.varLib.instancer import instantiateVariableFont

HERE = Path(__file__).parent
SOURCE = Path(fontpkg_literata.ROOT)
# In CSS pixels, as browsers would choose it for the text of a post.
OPTICAL_SIZE = 18
WEIGHTS = (400, 700)
# What blog/appearance/typeface.py says as well.
LATIN = (
    "U+20-7E, U+A0-A3, U+A5, U+A7-AB, U+AD-AE, U+B0-B7, U+B9-FF, U+131, U+152-153, U+160-161, U+178, U+17D-17E, "
    "U+2010, U+2013-2014, U+2018-201A, U+201C-201E, U+2020, U+2022, U+2026, U+2039-203A, U+20AC, U+2122, U+2212"
)
CYRILLIC = (
    "U+20-3F, U+5B-5D, U+A0, U+A7, U+AB, U+B0, U+BB, U+401, U+404, U+406-407, U+40E, U+410-44F, U+451, U+454, "
    "U+456-457, U+45E, U+490-491, U+2013-2014, U+2018-201A, U+201C-201E, U+2022, U+2026, U+2116, U+2212"
)
FILES = {
    "literata.woff2": ("Literata[opsz,wght].ttf", LATIN),
    "literata-italic.woff2": ("Literata-Italic[opsz,wght].ttf", LATIN),
    "literata-cyrillic.woff2": ("Literata[opsz,wght].ttf", CYRILLIC),
    "literata-cyrillic-italic.woff2": ("Literata-Italic[opsz,wght].ttf", CYRILLIC),
}


def make(source: Path, unicode_range: str, target: Path) -> None:
    characters = subset.parse_unicodes(unicode_range.replace("U+", "").replace(" ", ""))
    options = subset.Options(
        layout_features=["kern", "liga", "locl"], name_IDs=[0, 1, 2, 3, 5, 6, 13, 14], hinting=False, flavor="woff2"
    )
    # Browsers have the widths of other weights from the outlines as well, and no text here is vertical.
    options.drop_tables += ["HVAR", "MVAR", "VVAR", "vhea", "vmtx"]
    font = subset.load_font(source, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=characters)
    subsetter.subset(font)
    font = instantiateVariableFont(font, {"opsz": OPTICAL_SIZE, "wght": WEIGHTS})
    # One kerning for all weights is half as large.
    regular = instantiateVariableFont(font, {"wght": WEIGHTS[0]})
    font["GPOS"], font["GDEF"] = regular["GPOS"], regular["GDEF"]
    subset.save_font(font, target, options)
    if missing := sorted(set(characters) - set(font.getBestCmap())):
        raise SystemExit(f"{source.name} lacks {missing}.")


for name, (source, unicode_range) in FILES.items():
    make(SOURCE / "files" / source, unicode_range, HERE / name)
(HERE / "LICENSE.txt").write_bytes((SOURCE / "LICENSE").read_bytes())
names = sorted({path.name for path in HERE.iterdir()} - {"README.md", "SHA256SUMS"})
sums = "".join(f"{sha256((HERE / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
(HERE / "SHA256SUMS").write_text(sums)
