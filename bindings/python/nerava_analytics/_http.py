"""Answers HTTP requests from a pipeline, in whatever server there is; docs/http.md lists the endpoints."""

from __future__ import annotations

import ctypes
import json
from typing import Any, Iterable, NamedTuple

from . import _library
from ._abi import Abi, HttpHeader, HttpRequest, String, string


class HttpResponse(NamedTuple):
    """`body` is what the header Content-Type says. There is no Content-Length among the headers.
    `next_target` is empty, or the target of a request whose response's body belongs right behind this
    one, to be asked for after `next_after` seconds: see docs/http.md."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    next_target: str = ""
    next_after: float = 0


def handle(
    abi: Abi,
    pipeline: int,
    method: str,
    target: str,
    headers: Iterable[tuple[str, str]],
    body: bytes,
    max_body_bytes: int | None,
) -> HttpResponse:
    request = HttpRequest()
    abi.nva_http_request_init(ctypes.byref(request), ctypes.sizeof(request))
    given = [HttpHeader(_text(name), _text(value)) for name, value in headers]
    request.method, request.target, request.body = _text(method), _text(target), string(body)
    request.headers, request.header_count = (HttpHeader * len(given))(*given), len(given)
    if max_body_bytes is not None:
        request.max_body_bytes = max_body_bytes
    out = ctypes.c_void_p()
    abi.nva_pipeline_handle_http(pipeline, ctypes.byref(request), ctypes.byref(out))
    try:
        return HttpResponse(
            abi.nva_http_response_status(out),
            [_header(abi, out, i) for i in range(abi.nva_http_response_header_count(out))],
            _bytes(abi.nva_http_response_body(out)),
            _bytes(abi.nva_http_response_next_target(out)).decode(),
            abi.nva_http_response_next_after_ms(out) / 1000,
        )
    finally:
        abi.nva_http_response_free(out)


def openapi() -> dict[str, Any]:
    """The OpenAPI 3.1 description of all endpoints. It needs no pipeline."""
    abi = _library.abi()
    out = ctypes.c_void_p()
    abi.nva_openapi_json(ctypes.byref(out))
    document: dict[str, Any] = json.loads(abi.take_text(out))
    return document


def _text(text: str) -> String:
    return string(text.encode("utf-8", "surrogateescape"))  # header bytes may be any


def _bytes(text: String) -> bytes:
    return (text.data or b"")[: text.size]


def _header(abi: Abi, response: ctypes.c_void_p, index: int) -> tuple[str, str]:
    header = HttpHeader()
    abi.nva_http_response_header_at(response, index, ctypes.byref(header))
    return _bytes(header.name).decode(), _bytes(header.value).decode()
