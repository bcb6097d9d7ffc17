"""`/docs`: the description of the gateway as a page, without a foreign server.

Swagger UI's files come out of a package, and the page runs nothing but them: many deployments have no way out to the
internet, and a page on which people paste their keys should not run what somebody else serves.
"""

from importlib.resources import files

from fastapi import APIRouter, HTTPException, Response

router = APIRouter(prefix="/docs", include_in_schema=False)

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""Swagger UI sets styles in its elements, and shows pictures that stand in its own style sheet."""
_PACKAGED = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css", "favicon.png": "image/png"}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Tidegate</title>
<link rel="icon" href="/docs/favicon.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  // A key is kept by nobody: it is gone with the page.
  persistAuthorization: false,
});
"""


@router.get("")
async def page() -> Response:
    """The page."""
    return Response(_PAGE, media_type="text/html", headers={"Content-Security-Policy": _POLICY})


@router.get("/start.js")
async def start() -> Response:
    """What draws the description; a file of its own, since the page may not run what stands in itself."""
    return Response(_START, media_type="text/javascript")


@router.get("/{name}")
async def packaged(name: str) -> Response:
    """A file of Swagger UI."""
    kind = _PACKAGED.get(name)
    if kind is None:
        raise HTTPException(404)
    content = files("fastapi_offline").joinpath("static", name).read_bytes()
    return Response(content, media_type=kind, headers={"Cache-Control": "public, max-age=86400"})
