"""A small backend: charges are domain events, and the KPIs of them are served beside.

uvicorn app:app        with ANALYTICS_DATABASE_URL=sqlite:///analytics.db, say
"""

import contextlib
import uuid
from typing import AsyncIterator, Optional

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

import nerava_analytics
from nerava_analytics.fastapi import router


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    with nerava_analytics.open_from_environment() as app.state.pipeline:
        app.state.running = {}  # a real backend has its sessions in its database
        yield


app = FastAPI(title="Charging")
app.router.lifespan_context = lifespan  # from FastAPI 0.93 on: FastAPI(lifespan=lifespan)
app.include_router(router(lambda: app.state.pipeline))


class Start(BaseModel):
    user_id: str
    hub_id: Optional[str] = None


class Stop(BaseModel):
    kwh_consumed: float
    total_reward_usd: float = 0


@app.exception_handler(nerava_analytics.InvalidEvent)
def refuse(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, 422)


# Plain functions: FastAPI runs them in threads, so that a full queue does not stop the event loop.
@app.post("/charges/start", status_code=201)
def start(charge: Start, request: Request) -> dict:
    session_id = str(uuid.uuid4())
    request.app.state.pipeline.charge_started(
        session_id, user_id=charge.user_id, hub_id=charge.hub_id
    )
    request.app.state.running[session_id] = charge
    return {"id": session_id}


@app.post("/charges/{session_id}/stop")
def stop(session_id: str, charge: Stop, request: Request) -> dict:
    started = request.app.state.running.get(session_id)
    if started is None:
        raise HTTPException(404, "no such charge is running")
    request.app.state.pipeline.charge_stopped(
        session_id,
        user_id=started.user_id,
        hub_id=started.hub_id,
        kwh_consumed=charge.kwh_consumed,
        total_reward_usd=charge.total_reward_usd,
    )
    request.app.state.running.pop(session_id, None)
    return {"id": session_id}
