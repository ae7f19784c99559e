"""Where a request ends, however its bytes are divided."""

import time

import pytest

from cds_service.http.malformed import BodyTooLargeError
from cds_service.wiring.request_buffer import RequestBuffer

MAX_BODY = 100
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

WHOLE = {
    "no body": GET,
    "body": POST + b"Content-Length: 4\r\n\r\n\r\n\r\n",
    "body of the largest size": POST + b"content-length:100 \r\n\r\n" + b"x" * MAX_BODY,
    "empty body": POST + b"Content-Length: 0\r\n\r\n",
    "chunks": CHUNKED + b"3\r\na\r\n\r\n1 ;a=b\r\nx\r\n0\r\n\r\n",
    "chunks of the largest size": CHUNKED + b"64\r\n" + b"x" * MAX_BODY + b"\r\n0\r\n\r\n",
    "trailer": CHUNKED + b"1\r\nx\r\n0\r\nA: b\r\n\r\n",
}

INVALID = {
    "length above the largest": POST + b"Content-Length: 101\r\n\r\n",
    "no number": POST + b"Content-Length: +1\r\n\r\n",
    "two lengths": POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\n",
    "length and chunks": POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "another coding": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    "no size": CHUNKED + b"ZZ\r\n",
    "negative size": CHUNKED + b"-1\r\n",
    "chunk longer than its size": CHUNKED + b"1\r\nxyz\r\n",
    "endless size": CHUNKED + b"1;" + b"x" * 4_096,
    "endless trailer": CHUNKED + b"0\r\n" + b"a: b\r\n" * 1_000,
    "endless headers": POST + b"A: " + b"x" * 65_536,
}


def fed(data: bytes, step: int) -> RequestBuffer:
    """A buffer that got the data in pieces of this many bytes."""
    buffer = RequestBuffer(MAX_BODY)
    for start in range(0, len(data), step):
        assert not buffer.is_complete
        buffer.feed(data[start : start + step])
    return buffer


@pytest.mark.parametrize("step", [1, 2, 7, 1_000])
@pytest.mark.parametrize("request_bytes", WHOLE.values(), ids=WHOLE)
def test_a_request_is_complete_with_its_last_byte(request_bytes: bytes, step: int) -> None:
    buffer = fed(request_bytes, step)
    assert buffer.is_complete
    assert not buffer.is_cut
    assert buffer.take() == request_bytes


@pytest.mark.parametrize("request_bytes", WHOLE.values(), ids=WHOLE)
def test_the_next_request_stays_in_the_buffer(request_bytes: bytes) -> None:
    buffer = RequestBuffer(MAX_BODY)
    buffer.feed(request_bytes + GET + GET[:5])
    assert buffer.take() == request_bytes
    assert not buffer.is_complete
    buffer.feed(b"")
    assert buffer.is_complete
    assert buffer.take() == GET
    buffer.feed(GET[5:])
    assert buffer.take() == GET
    assert len(buffer) == 0


@pytest.mark.parametrize("request_bytes", INVALID.values(), ids=INVALID)
def test_a_request_that_cannot_become_valid_is_complete_without_an_end(request_bytes: bytes) -> None:
    buffer = fed(request_bytes, len(request_bytes))
    assert buffer.is_complete
    assert buffer.is_cut
    assert buffer.take() == request_bytes


@pytest.mark.parametrize("chunks", [b"65\r\n", b"64\r\n" + b"x" * 100 + b"\r\n1\r\n", b"ffffffffffff\r\n"])
def test_chunks_above_the_largest_body_are_an_error(chunks: bytes) -> None:
    with pytest.raises(BodyTooLargeError):
        RequestBuffer(MAX_BODY).feed(CHUNKED + chunks)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (POST + b"Expect: 100-Continue\r\n", True),
        (POST + b"Expect: something\r\n", False),
        (POST, False),
        (b"POST / HTTP/1.0\r\nExpect: 100-continue\r\n", False),
    ],
)
def test_a_client_may_wait_before_it_sends_the_body(head: bytes, expected: bool) -> None:
    buffer = RequestBuffer(MAX_BODY)
    buffer.feed(head + b"Content-Length: 1\r\n\r\n")
    assert buffer.has_head
    assert not buffer.is_complete
    assert buffer.expects_continue is expected


def test_the_work_is_linear_in_the_size() -> None:
    def seconds(size: int) -> float:
        buffer = RequestBuffer(size)
        data = CHUNKED + b"1\r\nx\r\n" * size + b"0\r\n\r\n"
        start = time.process_time()
        for at in range(0, len(data), 1_000):
            buffer.feed(data[at : at + 1_000])
        assert buffer.is_complete
        return time.process_time() - start

    seconds(10_000)
    assert seconds(200_000) < 40 * seconds(20_000) + 0.05


@pytest.mark.parametrize(
    "head", [b"A: " + b" " * 65_000 + b"x\r\n\r\n", b"Content-Length:" + b" " * 65_000 + b"x\r\n\r\n"]
)
def test_spaces_in_headers_cost_nothing(head: bytes) -> None:
    start = time.process_time()
    RequestBuffer(MAX_BODY).feed(POST + head + b"x\r\n\r\n")
    assert time.process_time() - start < 0.2
