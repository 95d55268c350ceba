"""Values in the format of PHP's `serialize`, in which WordPress stores meta fields. Objects are not supported."""

import re
from typing import Final

# An array keeps its order and its keys, which are integers or strings.
type PHPValue = bool | int | float | str | dict[int | str, PHPValue] | None

_MAX_DEPTH: Final = 20
_SCALAR: Final = re.compile(rb"N;|b:([01]);|i:(-?[0-9]{1,19});|d:(-?[0-9.eE+-]{1,40}|-?INF|NAN);")
_START: Final = re.compile(rb"([sa]):([0-9]{1,9}):([\"{])")


def parse(text: str) -> PHPValue:
    """Return the value that `text` represents. Raises ValueError if it is not a serialised value."""
    content = text.encode("utf-8", "surrogatepass")
    value, end = _parse(content, 0, 0)
    if end != len(content):
        raise ValueError("More text follows the value.")
    return value


def serialise(value: PHPValue) -> str:
    """Return the text that represents a value."""
    match value:
        case None:
            return "N;"
        case bool():
            return f"b:{value:d};"
        case int():
            return f"i:{value};"
        case float():
            return f"d:{value!r};"
        case str():
            return f's:{len(value.encode("utf-8", "surrogatepass"))}:"{value}";'
    items = "".join(serialise(key) + serialise(each) for key, each in value.items())
    return f"a:{len(value)}:{{{items}}}"


def _parse(content: bytes, position: int, depth: int) -> tuple[PHPValue, int]:
    """Return the value that starts at `position`, and the position where it ends."""
    if scalar := _SCALAR.match(content, position):
        boolean, integer, number = scalar.groups()
        if boolean:
            return boolean == b"1", scalar.end()
        return int(integer) if integer else float(number) if number else None, scalar.end()
    start = _START.match(content, position)
    if start is None or depth > _MAX_DEPTH:
        raise ValueError("This is not a serialised value.")
    count, position = int(start[2]), start.end()
    if start[1] == b"s":
        end = position + count
        if content[end : end + 2] != b'";':
            raise ValueError("The length of a string is wrong.")
        return content[position:end].decode("utf-8", "surrogatepass"), end + 2
    array: dict[int | str, PHPValue] = {}
    for _number in range(count):
        key, position = _parse(content, position, depth + 1)
        if not isinstance(key, int | str):
            raise ValueError("A key is neither a number nor a string.")
        array[key], position = _parse(content, position, depth + 1)
    if content[position : position + 1] != b"}":
        raise ValueError("The length of an array is wrong.")
    return array, position + 1
