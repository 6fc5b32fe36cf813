"""The text of a list: numbered lines, or pieces of it; what is no text is said with its place."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator

from volcv_async.job.lists.sources import BROKEN_GZIP, Source

_BOM = b"\xef\xbb\xbf"
_LONGEST = 8 * 2**20  # bytes of a line, so that no file is read whole because it has no lines
_PIECE = 2**16


def lines(source: Source) -> Iterator[tuple[int, str]]:
    r"""Part a list at ``\n`` alone: U+2028 and its like are characters of a prompt.

    Gives each line with its number, from 1, and with its end, as it stands in the file.
    """
    for number, line in _raw(source):
        if len(line) > _LONGEST:
            raise source.bad(number, f"is longer than {_LONGEST:,} bytes, so it is no list.")
        yield number, _text(source, number, line.removeprefix(_BOM) if number == 1 else line)


def head(source: Source) -> bytes:
    """Give the first line that holds anything, or as much of it as any may have."""
    found = (line for _, line in _raw(source) if line.removeprefix(_BOM).strip())
    return next(found, b"")


def _raw(source: Source) -> Iterator[tuple[int, bytes]]:
    with source.reading() as file:
        number = 1
        while line := _read(source, number, lambda: file.readline(_LONGEST + 1)):
            yield number, line
            number += 1


def pieces(source: Source) -> Iterator[str]:
    """Give the text of a list piece by piece, wherever its lines end."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    line = 1
    with source.reading() as file:
        while data := _read(source, line, lambda: file.read(_PIECE)):
            try:
                text = decoder.decode(data)
            except UnicodeDecodeError as wrong:
                line += wrong.object[: wrong.start].count(b"\n")
                raise source.bad(line, "is not UTF-8.", _AS_UTF8) from None
            line += text.count("\n")
            yield text


_AS_UTF8 = "Save the list as UTF-8."


def _read(source: Source, line: int, read: Callable[[], bytes]) -> bytes:
    try:
        return read()
    except BROKEN_GZIP:
        raise source.bad(line, "is where its gzip data breaks off.", "Is the file whole?") from None


def _text(source: Source, number: int, line: bytes) -> str:
    try:
        text = line.decode()
    except UnicodeDecodeError as wrong:
        why = f"is not UTF-8 (from its byte {wrong.start + 1} on)."
        raise source.bad(number, why, _AS_UTF8) from None
    if "\0" in text:
        cure = "Is it a list at all, or UTF-16? Save it as UTF-8."
        raise source.bad(number, "holds a byte that no text has (0).", cure)
    return text


def without_end(line: str) -> str:
    """Take a line's end away, and nothing else."""
    return line.removesuffix("\n").removesuffix("\r") if line.endswith("\n") else line
