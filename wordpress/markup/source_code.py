"""Source code and formulas in texts, which are shown as they were typed.

Source: WordPress.com, and the documentation and code of the plugins SyntaxHighlighter, CodeColorer, Crayon, Enlighter
and WP-Syntax.
"""

import re
from collections.abc import Callable
from html import escape
from typing import Final

from django.conf.locale import LANG_INFO

from wordpress.markup.tokenizer import change_texts

# WordPress.com's shortcode for source code, its aliases, most of which are names of languages, and those of plugins.
# Some are also ordinary words, so only those with an end tag count. Inside elements for code, the shortcode itself is
# shown.
_NAMES: Final = (
    *("as3", "actionscript3", "arduino", "bash", "c", "c-sharp", "cf", "clj", "clojure", "code", "coldfusion", "cpp"),
    *("csharp", "css", "delphi", "diff", "erl", "erlang", "fsharp", "go", "golang", "groovy", "haskell", "html"),
    *("java", "javafx", "javascript", "jfx", "js", "jscript", "matlab", "matlabkey", "obj-c", "objc", "pas", "pascal"),
    *("patch", "perl", "php", "pl", "plain", "powershell", "ps", "py", "python", "rails", "rb", "ror", "ruby", "scala"),
    *("shell", "source", "sourcecode", "splus", "sql", "swift", "tex", "text", "vb", "vbnet", "xhtml", "xml", "xslt"),
    *("yaml", "yml"),
    *("apache", "codeblock", "codesyntax", "crayon", "enlighter", "geshi", "ini", "json", "jsx", "lua", "mysql"),
    *("nginx", "prettify", "rust", "scss", "typescript"),
)
# The shortcode of CodeColorer can be followed by its modes, such as `e` (escaped) and `i` (inline), and the language.
# With a capital letter, a mode is turned off.
_CODECOLORER: Final = r"[Cc][Cc](?P<modes>[BEILNSWbeilnsw]*+)(?:_[\w+#.-]++)?"
_SHORTCODE = re.compile(
    rf"\[(?<!\[\[)(?<!<code>\[)(?<!<pre>\[)(?P<name>{'|'.join(_NAMES)}|{_CODECOLORER})(?:(?<=crayon)-\w++)?"
    r"(?P<attributes>(?:[\s:=][^\[\]]*+)?)\](?!\])"
)
_ON: Final = {"1", "on", "true", "yes"}
# Formulas on WordPress.com: `$latex x^2&s=2$`, or a shortcode.
_FORMULA_SHORTCODE = re.compile(r"\[(?<!\[\[)(?P<name>latex)(?:\s[^\[\]]*+)?\](?!\])")
_FORMULA = re.compile(r"\$latex(?:=|\s)((?:[^$\\]++|\\.)++)\$", re.DOTALL)
_FORMULA_OPTION = re.compile(r"&(?:amp;|#0?38;)?(?:s|bg|fg)=[\w.-]*+")
# The plugins WP-Syntax (`<pre>`) and CodeColorer (`<code>`) show the content of these elements as it was typed.
_TYPED_CODE = re.compile(
    r"""<(?P<element>pre|code)\s(?=[^<>]*?\blang\s*+=\s*+["']?(?P<language>[\w-]++))(?![^<>]*?\bescaped\s*+=)[^<>]*+>""",
    re.IGNORECASE,
)
_OPEN_PRE = re.compile(r"<pre\b[^<>]*+>\s*$", re.IGNORECASE)
# How many characters before an element are searched for the element around it.
_MAX_TAG: Final = 300
# Tags that are more likely to be markup than part of the code.
_FORMATTING = re.compile(r"</?(?:a|b|br|code|em|font|i|mark|span|strong|u)(?:\s[^<>]*+)?/?>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""(?<![\w-])([\w-]++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"']++))""")


def replace_code(source: str) -> str:
    """Turn source code into `<pre>` or `<code>` elements, and formulas into `<code>` elements."""
    source = replace_enclosing(_with_escaped_code(source), _SHORTCODE, _code)
    source = replace_enclosing(source, _FORMULA_SHORTCODE, lambda _tag, content: _formula(content))
    if "$latex" in source:
        source = change_texts(source, lambda text: _FORMULA.sub(lambda tex: _formula(tex[1]), text))
    return source


def replace_enclosing(source: str, pattern: re.Pattern[str], replace: Callable[[re.Match[str], str], str]) -> str:
    """Replace the shortcodes that match `pattern` and have an end tag with `replace(start_tag, content)`."""
    parts: list[str] = []
    done = 0
    # Searching for each end tag from the end only once keeps the time proportional to the length of `source`.
    last_ends: dict[str, int] = {}
    for start_tag in pattern.finditer(source):
        end_tag = f"[/{start_tag['name']}]"
        if end_tag not in last_ends:
            last_ends[end_tag] = source.rfind(end_tag)
        if not done <= start_tag.start() <= last_ends[end_tag]:
            continue
        end = source.find(end_tag, start_tag.end())
        parts += [source[done : start_tag.start()], replace(start_tag, source[start_tag.end() : end])]
        done = end + len(end_tag)
    return "".join([*parts, source[done:]])


def parse_attributes(attributes: str) -> dict[str, str]:
    """Return the named attributes of a shortcode, by name in lower case."""
    return {match[1].lower(): match[2] or match[3] or match[4] or "" for match in _ATTRIBUTE.finditer(attributes)}


def _with_escaped_code(source: str) -> str:
    """Return `source` with code in `<pre lang="c">` escaped, unless it contains nothing but formatting.

    In CodeColorer's `<code lang="c">`, it is escaped if it has several lines.
    """
    parts: list[str] = []
    done = 0
    for start_tag in _TYPED_CODE.finditer(source):
        start, element = start_tag.start(), start_tag["element"].lower()
        # `<pre lang="ar">` may be a poem in Arabic, not code.
        if start < done or start_tag["language"].lower() in LANG_INFO:
            continue
        end = source.find(f"</{element}>", start_tag.end())
        if end < 0:
            break
        code = source[start_tag.end() : end]
        if element == "pre" and "<" in _FORMATTING.sub("", code):
            parts += [source[done : start_tag.end()], code.replace("<", "&lt;").replace(">", "&gt;")]
            done = end
        elif element == "code" and "\n" in code and not _OPEN_PRE.search(source, max(0, start - _MAX_TAG), start):
            parts += [source[done:start], _block(escape(code, quote=False))]
            done = end + len("</code>")
    return "".join([*parts, source[done:]])


def _code(start_tag: re.Match[str], content: str) -> str:
    """Return source code as an element in which no markup is interpreted."""
    if not content.strip():
        # The code is in a file.
        return f"{start_tag[0]}{content}[/{start_tag['name']}]"
    values = parse_attributes(start_tag["attributes"])
    modes = start_tag["modes"]
    is_inline = values.get("inline", "").lower() in _ON or "i" in (modes or "")
    if modes is not None:
        is_escaped = values.get("escaped", "").lower() in _ON or "e" in modes
    else:
        # In the other shortcodes, entities are those of HTML.
        is_escaped = start_tag["name"] != "crayon" or values.get("decode", "").lower() in _ON
    code = content if is_escaped else content.replace("&", "&amp;")
    code = code.replace("[", "&#91;").replace("<", "&lt;").replace(">", "&gt;")
    return f"<code>{' '.join(code.split())}</code>" if is_inline else _block(code)


def _block(code: str) -> str:
    return f"\n\n<pre><code>{code.strip('\r\n')}</code></pre>\n\n"


def _formula(content: str) -> str:
    """Return a formula in TeX as code, without its size and colours."""
    options = _FORMULA_OPTION.search(content)
    if options and not _FORMULA_OPTION.sub("", content[options.start() :]).strip():
        content = content[: options.start()]
    tex = " ".join(content.split()).replace("[", "&#91;").replace("<", "&lt;")
    return f"<code>{tex}</code>" if tex else ""
