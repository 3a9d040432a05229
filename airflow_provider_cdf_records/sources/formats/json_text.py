"""The text of a JSON document, passed value by value, of which only a moving window is held."""

from __future__ import annotations

import io
import json
import re
from contextlib import suppress
from typing import NamedTuple

from airflow_provider_cdf_records.records.decoding import words_of
from airflow_provider_cdf_records.sources.formats.json_encoding import wrong_encoding
from airflow_provider_cdf_records.sources.source import FormatError

CHUNK = 1 << 18  # characters read at a time
LONGEST_VALUE = 1 << 26  # characters; far above what CDF takes in a request
SHOWN = 1000  # characters of a value that is longer
CUT_SHORT = 16  # characters: an error this close to the end of what was read may be only that end
WHITE_SPACE = " \t\r\n"
OPENING = "{["
CLOSING = {"{": "}", "[": "]"}
COMMA = re.compile(r"[ \t\r\n]*,[ \t\r\n]*")
IN_TEXT = re.compile(r'[^"\\]*')  # up to the next character that means something in a text
IN_WORD = re.compile(r'[^\s"{}\[\],:]*')  # numbers, true, false, null, and words that are none of these

_decode = json.JSONDecoder().raw_decode


class TooLong(NamedTuple):
    """A value that is too long to be held.

    :param beginning: its first characters.
    :param size: how many there are.
    """

    beginning: str
    size: int


class JsonText:
    """The text of a document, and how far it has been passed."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._window = ""
        self._at = 0
        self._held_from: int | None = None  # where in the window a value begins, held while it is passed
        self._too_long: TooLong | None = None  # the part of that value that is held no longer
        self._line = 1  # of the start of the window, and the characters before it in that line
        self._column = 0

    def detach(self) -> None:
        """Detach the file without closing it."""
        with suppress(ValueError):  # it may be closed already, when the items are not read to the end
            self._text.detach()

    def place(self, beyond: int = 0) -> str:
        """Return in words where the text has been passed to.

        :param beyond: characters to add.
        """
        at = self._at + beyond
        line = self._line + self._window.count("\n", 0, at)
        before = self._window.rfind("\n", 0, at)
        column = at - before if before >= 0 else self._column + at + 1
        return f"line {line:,}, column {column:,}"

    def next_character(self) -> str:
        """Return the next character that is not white space, without passing it; empty at the end."""
        while True:
            while self._at < len(self._window):
                if self._window[self._at] not in WHITE_SPACE:
                    return self._window[self._at]
                self._at += 1
            if not self._read_more():
                return ""

    def expect(self, expected: str, after: str) -> None:
        """Pass the next character that is not white space.

        :param after: what comes before it, for the error.
        :raises FormatError: when it is another one.
        """
        found = self.next_character()
        if found != expected:
            what = repr(found) if found else "the end of the file"
            msg = f"is not JSON {after}: expected {expected!r}, found {what} at {self.place()}."
            raise FormatError(msg)
        self._at += 1

    def key(self, after: str) -> str:
        """Pass a key and its colon, and return it."""
        if self.next_character() != '"':
            self.expect('"', after)
        text = self.value("a key")
        self.expect(":", after)
        try:
            return str(json.loads(text, strict=False)) if isinstance(text, str) else ""
        except ValueError:  # not a key that anybody looks for
            return ""

    def values_in_window(self) -> list[str]:
        """Pass the values to which the window holds a comma, and return their texts.

        Where something is unusual, fewer are passed, or none.
        """
        self.next_character()
        window, texts = self._window, []
        with suppress(ValueError, RecursionError):
            while True:
                _, end = _decode(window, self._at)
                comma = COMMA.match(window, end)
                if comma is None:
                    break
                texts.append(window[self._at : end])
                self._at = comma.end()
        return texts

    def value(self, what: str) -> str | TooLong:
        """Pass a value, and return its text.

        It need not be right inside, if only its end is certain.

        :param what: the value in words, for the error.
        :raises FormatError: when there is no telling where it ends.
        """
        self.next_character()
        while True:
            why, at = "", 0
            try:
                _, end = _decode(self._window, self._at)
            except json.JSONDecodeError as error:
                is_cut_short = "Unterminated" in error.msg or error.pos >= len(self._window) - CUT_SHORT
                if is_cut_short and self._read_more_of_value():
                    continue
                why, at = error.msg.removesuffix(" starting at"), error.pos - self._at
            except (ValueError, RecursionError) as error:  # too many digits, or too deep a nesting
                why = words_of(error)
            else:
                if end == len(self._window) and self._read_more_of_value():
                    continue  # a number may go on
                text = self._window[self._at : end]
                self._at = end
                return text
            where = self.place(at)
            if (text_or_not := self._odd_value()) is None:
                msg = f"{what} is not JSON: {why} at {where}; where it ends is not certain."
                raise FormatError(msg)
            return text_or_not

    def pass_value(self, what: str) -> None:
        """Pass a value that is not needed, however long it is.

        :raises FormatError: when there is no telling where it ends.
        """
        self.next_character()
        where = self.place()
        if not self._find_end():
            msg = f"{what} is not JSON at {where}."
            raise FormatError(msg)

    def _odd_value(self) -> str | TooLong | None:
        """Pass a value that Python's decoder refuses; ``None`` when its end is not certain."""
        self._held_from, self._too_long = self._at, None
        try:
            is_certain = self._find_end()
            text: str | TooLong = self._window[self._held_from : self._at]
            if self._too_long is not None:
                text = self._too_long._replace(size=self._too_long.size + len(text))
        finally:
            self._held_from = None
        return text if is_certain and self.next_character() in (",", "]", "}") else None

    def _find_end(self) -> bool:
        """Pass a value; return whether it certainly ends there.

        Texts, brackets, commas and colons must be as in JSON. Then words that are no JSON, missing values,
        surplus commas and what is wrong inside of texts do not hide the end.
        """
        opened = bytearray()  # the closing brackets to come
        while self._pass_start(opened):
            while opened and self.next_character() == chr(opened[-1]):
                self._at += 1
                opened.pop()
            if not opened:
                return True
            if self.next_character() != ",":
                return False
            self._at += 1
            if opened[-1] == ord("}") and self.next_character() != "}" and not self._pass_key():
                return False
        return False

    def _pass_start(self, opened: bytearray) -> bool:
        """Pass a simple value with all brackets and keys before it; return whether that was possible."""
        while (found := self.next_character()) and found in OPENING:
            self._at += 1
            opened.append(ord(CLOSING[found]))
            if self.next_character() == CLOSING[found]:
                return True
            if found == "{" and not self._pass_key():
                return False
        if found == '"':
            return self._pass_text()
        if found and found in ",]}":
            return bool(opened)  # a value is missing
        self._pass_all(IN_WORD)
        return found not in ("", ":")

    def _pass_key(self) -> bool:
        if self.next_character() != '"' or not self._pass_text() or self.next_character() != ":":
            return False
        self._at += 1
        return True

    def _pass_text(self) -> bool:
        self._at += 1
        while True:
            self._pass_all(IN_TEXT)
            if self._at == len(self._window):
                return False  # the end of the file
            if self._window[self._at] == '"':
                self._at += 1
                return True
            self._at += 1  # a backslash, and what it escapes
            if self._at == len(self._window) and not self._read_more():
                return False
            self._at += 1

    def _pass_all(self, characters: re.Pattern[str]) -> None:
        while True:
            passed = characters.match(self._window, self._at)
            self._at = passed.end() if passed else self._at
            if self._at < len(self._window) or not self._read_more():
                return

    def _read_more_of_value(self) -> bool:
        return len(self._window) - self._at <= LONGEST_VALUE and self._read_more()

    def _read_more(self) -> bool:
        """Drop what is passed and add at least as much as is left, so that a long value costs linear time.

        :return: whether there was more; else nothing changes.
        """
        start = self._at if self._held_from is None else self._held_from
        try:
            more = self._text.read(max(CHUNK, len(self._window) - start))
        except UnicodeError as error:
            raise wrong_encoding(self._text.encoding, error) from None
        if not more:
            return False
        if self._held_from is not None and self._at - self._held_from > LONGEST_VALUE:
            passed = self._window[self._held_from : self._at]
            before = self._too_long or TooLong(passed[:SHOWN], 0)
            self._too_long = before._replace(size=before.size + len(passed))
            start = self._held_from = self._at
        lines = self._window.count("\n", 0, start)
        self._line += lines
        self._column = start - 1 - self._window.rfind("\n", 0, start) if lines else self._column + start
        self._window, self._at = self._window[start:] + more, self._at - start
        if self._held_from is not None:
            self._held_from = 0
        return True
