"""The application: routes, problems, probes and what happens at the edge, put together."""

import time
from collections.abc import Callable
from functools import cache
from typing import Any

from fastapi import FastAPI, Response
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from starlette.routing import BaseRoute

from services.api import described, docs, edge, once, problems
from services.api.asgi import Application
from services.api.gate import Gate
from services.api.one_shot.asked import OneShotAsked
from services.api.routes import (
    accounts,
    arrivals,
    bans,
    connections,
    credentials,
    data_exchange,
    domain_groups,
    drop_folders,
    event_types,
    events,
    expectations,
    goal_versions,
    goals,
    group_types,
    groups,
    imports,
    inquiries,
    integrations,
    keys,
    lists,
    messages,
    notifications,
    one_shot,
    openpgp_keys,
    previews,
    profiles,
    progress,
    properties,
    rejects,
    replays,
    rounds,
    runs,
    samples,
    schedules,
    segments,
    ssh_keys,
    value_rejects,
)
from services.api.tools import Tools
from shared.domain.failures import BusUnavailable

ROUTERS = (
    accounts.router,
    keys.router,
    properties.router,
    profiles.router,
    lists.router,
    segments.router,
    group_types.router,
    groups.router,
    event_types.router,
    messages.router,
    events.router,
    connections.router,
    rounds.router,
    data_exchange.router,
    goals.router,
    goal_versions.router,
    samples.router,
    previews.router,
    schedules.router,
    expectations.router,
    imports.router,
    one_shot.router,
    runs.router,
    replays.router,
    progress.router,
    rejects.router,
    value_rejects.router,
    arrivals.router,
    domain_groups.router,
    integrations.router,
    drop_folders.router,
    credentials.router,
    bans.router,
    notifications.router,
    openpgp_keys.router,
    ssh_keys.router,
    inquiries.router,
)

_SILENT: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
"""FastAPI's own telemetry tells paths, queries and the texts of exceptions: people's addresses stand in them."""


def create_app(tools: Tools, *, clock: Callable[[], float] = time.monotonic) -> Application:
    """The gateway as an ASGI application. Nothing is contacted until a request comes. `clock` counts seconds."""
    app = bare_app()
    app.state.tools = tools
    _add_probes(app, tools)
    app.include_router(docs.router)
    refuse = edge.refusing(tools.metrics)
    # Added last, asked first.
    app.add_middleware(once.Once, tools=tools)
    app.add_middleware(edge.Bounded, limits=tools.limits, refuse=refuse)
    app.add_middleware(Gate, database=tools.database, limits=tools.limits, refuse=refuse, clock=clock)
    app.add_middleware(edge.Narrow, limits=tools.limits, refuse=refuse)
    app.add_middleware(edge.Uncrowded, limits=tools.limits, refuse=refuse)
    # Around everything, also around what answers for our own mistakes.
    return edge.Measured(app, metrics=tools.metrics)


def bare_app() -> FastAPI:
    """The routes without what they work with: enough to render openapi.yaml."""
    app = _empty_app()
    problems.install(app, ROUTERS)
    once.install(app)
    app.router.routes.extend(_included())
    app.openapi = document  # type: ignore[method-assign]  # the documented way to extend the document
    return app


@cache
def document() -> dict[str, Any]:
    """What the gateway says of itself: rendered once a process, because that takes a second. Nobody changes it."""
    app = _empty_app()
    app.router.routes.extend(_included())
    return described.document(app, ROUTERS, (imports.ImportAsked, OneShotAsked))


@cache
def _included() -> tuple[BaseRoute, ...]:
    """The routers as an application includes them.

    FastAPI prepares the routes of what was included at the first request, which takes a fifth of a second; whoever is
    given what another application included finds them prepared.
    """
    app = _empty_app()
    before = len(app.router.routes)
    for router in ROUTERS:
        app.include_router(router)
    return tuple(app.router.routes[before:])


def _empty_app() -> FastAPI:
    return FastAPI(
        title="Tidegate",
        version="1",
        summary="Keeps contact databases in step with the files other systems drop.",
        description=described.description(),
        generate_unique_id_function=_operation_id,
        docs_url=None,
        redoc_url=None,
        telemetry=_SILENT,
    )


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
