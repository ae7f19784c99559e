"""Where an HTTP/1.1 request ends, found while its bytes arrive.

This only decides when to parse. gunicorn then parses the bytes up to the end found here and sees none after it, so a
difference between the two readings cannot turn a part of a body into a second request.
"""

import re

from cds_service.http.malformed import BodyTooLargeError

_MAX_HEAD_BYTES = 65_536
_MAX_LINE_BYTES = 4_096
_BLANK_LINE = b"\r\n\r\n"
_FRAMING_HEADER = re.compile(rb"\r\n(content-length|transfer-encoding|expect):([^\r\n]*)", re.IGNORECASE)
_LENGTH = re.compile(rb"[0-9]{1,15}\Z")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,12})[ \t]*(?:;|\Z)")


class RequestBuffer:
    """The bytes of one connection, from the start of a request.

    A request is complete once its end has arrived. It is also complete, and `is_cut`, once more bytes cannot make it
    valid; the connection must close after the response to it, because the start of the next request is unknown.
    """

    has_head: bool
    is_cut: bool
    expects_continue: bool
    _end: int | None
    _position: int  # the bytes before it need no second look
    _is_chunked: bool
    _chunk_bytes: int
    _body_end: int

    def __init__(self, max_body_bytes: int) -> None:
        self._max_body = max_body_bytes
        self._data = bytearray()
        self._restart()

    def __len__(self) -> int:
        """Return the number of bytes in the buffer."""
        return len(self._data)

    @property
    def is_complete(self) -> bool:
        """Whether the request can be parsed."""
        return self.is_cut or self._end is not None

    def feed(self, data: bytes) -> None:
        """Add bytes; the work is linear in their number. Raise BodyTooLargeError if the chunks add up to too much."""
        self._data += data
        if not self.has_head:
            self._find_head()
        if not self.has_head or self.is_complete:
            return
        if self._is_chunked:
            self._find_last_chunk()
        elif self._body_end <= len(self._data):
            self._end = self._body_end

    def take(self) -> bytes:
        """Remove and return the bytes of the request (all of them if its end is unknown), and start the next one."""
        end = len(self._data) if self._end is None else self._end
        taken = bytes(memoryview(self._data)[:end])
        del self._data[:end]
        self._restart()
        return taken

    def _restart(self) -> None:
        self.has_head = False
        self.is_cut = False
        self.expects_continue = False
        self._end = None
        self._position = 0
        self._is_chunked = False
        self._chunk_bytes = 0
        self._body_end = 0

    def _find_head(self) -> None:
        end = self._data.find(_BLANK_LINE, max(0, self._position - len(_BLANK_LINE) + 1))
        if end < 0:
            self._position = len(self._data)
            self.is_cut = self._position > _MAX_HEAD_BYTES
            return
        self.has_head = True
        self._position = end + len(_BLANK_LINE)
        self._read_framing(bytes(self._data[: end + 2]))

    def _read_framing(self, head: bytes) -> None:
        found = [(name.lower(), value.strip(b" \t").lower()) for name, value in _FRAMING_HEADER.findall(head)]
        values = dict(found)
        coding, length = values.get(b"transfer-encoding"), values.get(b"content-length", b"0")
        self._is_chunked = coding == b"chunked"
        self.is_cut = (
            len(values) < len(found)
            or (coding is not None and (not self._is_chunked or b"content-length" in values))
            or not _LENGTH.match(length)
            or int(length) > self._max_body
        )
        if self.is_cut:
            return
        self._body_end = self._position + int(length)
        first_line = head.partition(b"\r\n")[0]
        self.expects_continue = values.get(b"expect") == b"100-continue" and first_line.endswith(b" HTTP/1.1")

    def _find_last_chunk(self) -> None:
        while self._position <= len(self._data):
            if self._data[self._position - 2 : self._position] != b"\r\n":
                self.is_cut = True
                return
            end = self._data.find(b"\r\n", self._position, self._position + _MAX_LINE_BYTES)
            if end < 0:
                self.is_cut = len(self._data) >= self._position + _MAX_LINE_BYTES
                return
            size = _CHUNK_SIZE.match(self._data[self._position : end])
            if size is None:
                self.is_cut = True
                return
            length = int(size[1], 16)
            if length == 0:
                self._find_end_of_trailer(end)
                return
            self._chunk_bytes += length
            if self._chunk_bytes > self._max_body:
                raise BodyTooLargeError
            self._position = end + 2 + length + 2

    def _find_end_of_trailer(self, start: int) -> None:
        end = self._data.find(_BLANK_LINE, start, start + _MAX_LINE_BYTES)
        if end >= 0:
            self._end = end + len(_BLANK_LINE)
        else:
            self.is_cut = len(self._data) >= start + _MAX_LINE_BYTES
