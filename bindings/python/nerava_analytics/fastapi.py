"""The HTTP endpoints as a FastAPI router: `app.include_router(router(pipeline))`. See docs/http.md.

Made from the library's own OpenAPI description; what is answered is Pipeline.handle_http's, byte by
byte. Needs FastAPI 0.92 or later: `pip install 'nerava-analytics[fastapi]'`.
"""

from __future__ import annotations

from typing import Any, AsyncIterator, Awaitable, Callable, Union

try:
    from fastapi import APIRouter, Request, Response
    from fastapi.concurrency import run_in_threadpool
    from fastapi.responses import StreamingResponse
except ImportError as error:
    raise ImportError(
        "nerava_analytics.fastapi needs FastAPI: pip install 'nerava-analytics[fastapi]'"
    ) from error

from ._http import HttpResponse, openapi
from .pipeline import Pipeline

__all__ = ["router"]

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}
_REFERENCE = "#/components/schemas/"

_Endpoint = Callable[[Request], Awaitable[Response]]


def router(
    pipeline: Union[Pipeline, Callable[[], Pipeline]], *, max_body_bytes: int = 8 << 20
) -> APIRouter:
    """All endpoints of docs/http.md. `pipeline` may be a callable, asked at every request, when the
    pipeline is opened later: in the app's lifespan, say. A body of more than `max_body_bytes` gets
    413, and no more than that of it is kept. Questions are answered in threads, not in the event loop.
    """
    if max_body_bytes < 1:
        raise ValueError(f"max_body_bytes is {max_body_bytes}; it must be at least 1")
    made = APIRouter()
    document = openapi()
    schemas = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        endpoint = _endpoint(path, pipeline, max_body_bytes)
        for method, operation in methods.items():
            _add(made, path, method.upper(), endpoint, _inlined(operation, schemas))
        # HEAD, and 405 with the library's Allow.
        others = _METHODS - {method.upper() for method in methods}
        made.add_api_route(path, endpoint, methods=sorted(others), include_in_schema=False)
    return made


def _add(
    made: APIRouter, path: str, method: str, endpoint: _Endpoint, operation: dict[str, Any]
) -> None:
    described = {"parameters", "requestBody"}
    responses: dict[Union[int, str], dict[str, Any]] = {
        int(status): response for status, response in operation["responses"].items()
    }
    made.add_api_route(
        path,
        endpoint,
        methods=[method],
        status_code=int(min(responses)),  # the good one: FastAPI describes it in any case
        response_class=Response,
        responses=responses,
        summary=operation["summary"],
        operation_id=operation["operationId"],
        tags=operation["tags"],
        openapi_extra={name: operation[name] for name in described & operation.keys()},
    )


def _endpoint(
    path: str, pipeline: Union[Pipeline, Callable[[], Pipeline]], max_body_bytes: int
) -> _Endpoint:
    async def answer(request: Request) -> Response:
        query = request.scope["query_string"]
        headers = [(_text(name), _text(value)) for name, value in request.headers.raw]

        async def ask(target: str, body: bytes = b"") -> HttpResponse:
            return await run_in_threadpool(
                (pipeline() if callable(pipeline) else pipeline).handle_http,
                request.method,
                target,
                headers,
                body,
                max_body_bytes=max_body_bytes,
            )

        answered = await ask(
            path + ("?" + _text(query) if query else ""), await _body(request, max_body_bytes + 1)
        )
        response: Response
        if answered.next_target:
            response = StreamingResponse(_parts(answered, ask))
        else:
            response = Response(answered.body, answered.status)
            if request.method == "HEAD":
                del response.headers["Content-Length"]  # that of GET, which is not known
        for name, value in answered.headers:
            response.headers[name] = value
        return response

    return answer


async def _parts(
    part: HttpResponse, ask: Callable[[str], Awaitable[HttpResponse]]
) -> AsyncIterator[bytes]:
    """What has to be waited for is left to the client, who asks again: a stream without end would keep
    servers from stopping."""
    yield part.body
    while part.next_target and not part.next_after:
        part = await ask(part.next_target)
        if part.status != 200:  # cut short, so that nobody takes it for whole
            raise RuntimeError(f"the rest could not be read: {part.body.decode()}")
        yield part.body


async def _body(request: Request, most: int) -> bytes:
    """Its first `most` bytes: one more than is allowed, so that the library says what is wrong."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk[: most - len(body)]
        if len(body) == most:
            break
    return bytes(body)


def _text(header: bytes) -> str:
    return header.decode("utf-8", "surrogateescape")


def _inlined(node: Any, schemas: dict[str, Any]) -> Any:
    """With the schemas in place of references: a router cannot add components to its app."""
    if isinstance(node, list):
        return [_inlined(item, schemas) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inlined(schemas[node["$ref"][len(_REFERENCE) :]], schemas)
    return {name: _inlined(value, schemas) for name, value in node.items()}
