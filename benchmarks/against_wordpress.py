"""What WordPress itself makes of a body, against what we make of it. See README.md; it needs PHP and a WordPress."""

import argparse
import difflib
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("SECRET_KEY", "only-for-benchmarks")
os.environ.setdefault("BROADSIDE_DATA", tempfile.mkdtemp(prefix="broadside-benchmark-"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

from blog.rendering.tree import parse, write  # noqa: E402  (Django is set up first)
from wordpress.markup import to_html  # noqa: E402  (Django is set up first)
from wordpress.reader import Export  # noqa: E402  (Django is set up first)
from wordpress.records import Item  # noqa: E402  (Django is set up first)

# Answers each line of JSON with what WordPress's own filter for bodies makes of it.
ASK = """
error_reporting(0);
$_SERVER['HTTP_HOST'] = 'localhost';
require $argv[1] . '/wp-load.php';
while (($line = fgets(STDIN)) !== false) echo json_encode(apply_filters('the_content', json_decode($line))), "\\n";
"""
PIECES = [
    *("one", "two", 'three "q"', "it's", " -- ", "...", "3x4", "\n", "\n", "\n\n", "\n\n", " ", "&nbsp;", "مرحبا"),
    *("<b>", "</b>", "<em>", "</em>", '<a href="/x">', "</a>", "<span>", "</span>", "<P>", "</P>", "<div>", "</div>"),
    *("<br>", "<BR/>", "<br />\n", "<ul>", "<li>", "</li>", "</ul>", "<blockquote>", "</blockquote>", "<hr>"),
    *("<h2>a</h2>", "<pre>x\n\ny</pre>", "<code>x\ny</code>", '<img src="/a.png">', "<!--more-->", "[unknown]"),
    '[caption width="9"]<img src="/a.png"> c[/caption]',
]
TAGS = re.compile(r"<(/?)([a-z0-9]+)[^<>]*>")
PARTING = {"blockquote", "br", "div", "figcaption", "figure", "h2", "hr", "li", "p", "pre", "td"}


def seen(html: str) -> list[str]:
    """The lines of text that a reader sees."""
    root, _marker = parse(html)
    text = TAGS.sub(lambda tag: "\0" if tag[2] in PARTING else "", write(root))
    lines = (" ".join(line.split()) for line in text.split("\0"))
    return [line for line in lines if line]


def bodies(args: argparse.Namespace) -> Iterator[str]:
    for path in args.export:
        for record in Export(Path(path)).records():
            if isinstance(record, Item) and record.content.strip():
                yield record.content
    chance = random.Random(args.seed)  # noqa: S311  # made-up texts need no secrecy
    for _number in range(args.number):
        yield "".join(chance.choice(PIECES) for _piece in range(chance.randint(3, 12)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wordpress", help="the folder of an installed WordPress")
    parser.add_argument("export", nargs="*", help="exports whose texts are compared too")
    parser.add_argument("--number", type=int, default=2000, help="how many texts are made up")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    php = ["php", "-d", "display_errors=0", "-r", ASK, args.wordpress]
    with subprocess.Popen(php, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  # ours
        if process.stdin is None or process.stdout is None:
            raise RuntimeError
        alike = compared = 0
        for body in bodies(args):
            process.stdin.write(json.dumps(body) + "\n")
            process.stdin.flush()
            theirs, ours = seen(json.loads(process.stdout.readline())), seen(to_html(body))
            compared += 1
            alike += theirs == ours
            if theirs != ours:
                print(repr(body[:200]), *difflib.unified_diff(theirs, ours, n=0, lineterm=""), sep="\n    ")
        process.stdin.close()
    print(f"{alike} of {compared} texts read alike.")


if __name__ == "__main__":
    main()
