"""The smallest application that serves the endpoints; run by uvicorn in test_fastapi.py."""

import contextlib

import fastapi

import nerava_analytics
from nerava_analytics.fastapi import router

opened = {}


@contextlib.asynccontextmanager
async def lifespan(_):
    with nerava_analytics.open_from_environment() as opened["pipeline"]:
        yield


app = fastapi.FastAPI()
app.router.lifespan_context = lifespan  # FastAPI 0.92 has no FastAPI(lifespan=...) yet
app.include_router(router(lambda: opened["pipeline"]))
