"""Compares how the `wordpress` markup and WordPress itself render texts. Needs PHP and WordPress; see README.md."""

import argparse
import difflib
import json
import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import scratch_site  # noqa: F401  # sets up Django  # isort: split

from blog.rendering.tree import parse, serialise
from wordpress.markup.renderer import to_html
from wordpress.wxr.reader import Export
from wordpress.wxr.records import Item

# Answers each line of JSON with the output of WordPress's own filter for texts.
FILTER_SCRIPT = """
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
BLOCK_TAGS = {"blockquote", "br", "div", "figcaption", "figure", "h2", "hr", "li", "p", "pre", "td"}


def visible_lines(html: str) -> list[str]:
    """Return the lines of text that a reader sees."""
    root = parse(html)
    text = TAGS.sub(lambda tag: "\0" if tag[2] in BLOCK_TAGS else "", serialise(root))
    lines = (" ".join(line.split()) for line in text.split("\0"))
    return [line for line in lines if line]


def sources(args: argparse.Namespace) -> Iterator[str]:
    """Yield the texts of the exports, and random ones."""
    for path in args.export:
        for record in Export(Path(path)).records():
            if isinstance(record, Item) and record.content.strip():
                yield record.content
    rng = random.Random(args.seed)  # noqa: S311  # test data needs no secrecy
    for _ in range(args.count):
        yield "".join(rng.choice(PIECES) for _piece in range(rng.randint(3, 12)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wordpress", help="directory of a WordPress installation")
    parser.add_argument("export", nargs="*", help="export files whose texts are compared too")
    parser.add_argument("--count", type=int, default=2000, help="number of random texts (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    php = ["php", "-d", "display_errors=0", "-r", FILTER_SCRIPT, args.wordpress]
    with subprocess.Popen(php, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  # our own command
        assert process.stdin
        assert process.stdout
        equal = compared = 0
        for source in sources(args):
            process.stdin.write(json.dumps(source) + "\n")
            process.stdin.flush()
            theirs = visible_lines(json.loads(process.stdout.readline()))
            ours = visible_lines(to_html(source))
            compared += 1
            if theirs == ours:
                equal += 1
            else:
                print(repr(source[:200]), *difflib.unified_diff(theirs, ours, n=0, lineterm=""), sep="\n    ")
        process.stdin.close()
    print(f"{equal} of {compared} texts look the same.")


if __name__ == "__main__":
    main()
