"""The application: routes, problems, probes and what happens at the edge, put together."""

from typing import Any

from fastapi import FastAPI, Response
from fastapi.routing import APIRoute

from services.api import described, edge, problems
from services.api.routes import (
    accounts,
    arrivals,
    connections,
    drop_folders,
    goals,
    inquiries,
    keys,
    notifications,
    profiles,
    properties,
    rejects,
    runs,
)
from services.api.tools import Tools
from shared.domain.failures import BusUnavailable

ROUTERS = (
    accounts.router,
    keys.router,
    properties.router,
    profiles.router,
    connections.router,
    goals.router,
    runs.router,
    rejects.router,
    arrivals.router,
    drop_folders.router,
    notifications.router,
    inquiries.router,
)


def create_app(tools: Tools) -> FastAPI:
    """The gateway as an ASGI application. Nothing is contacted until a request comes."""
    app = bare_app()
    app.state.tools = tools
    _add_probes(app, tools)
    app.add_middleware(edge.Bounded)
    # Added last, so outermost: it also counts what the limits refuse.
    app.add_middleware(edge.Measured, metrics=tools.metrics)
    return app


def bare_app() -> FastAPI:
    """The routes without what they work with: enough to render openapi.yaml."""
    app = FastAPI(
        title="Tidegate",
        version="1",
        summary="Keeps contact databases in step with the files other systems drop.",
        description=described.description(),
        generate_unique_id_function=_operation_id,
        redoc_url=None,
    )
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    described.install(app)
    return app


def _operation_id(route: APIRoute) -> str:
    """Stable: the name of the function, which is unique among the routes."""
    return route.name


def _add_probes(app: FastAPI, tools: Tools) -> None:
    async def healthz() -> Response:
        return Response("ok\n", media_type="text/plain")

    async def readyz() -> Response:
        await tools.database.check()
        if not tools.bus_is_ready():
            raise BusUnavailable("not connected")
        return Response("ok\n", media_type="text/plain")

    async def metrics() -> Response:
        return Response(tools.metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    probes: dict[str, Any] = {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics}
    for path, probe in probes.items():
        app.add_api_route(path, probe, include_in_schema=False)
