"""The application: its routes, what they say of themselves, and how a refusal reads."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from pipeline.scoring.answers import NOTICE, Answer
from pipeline.server.answering import answers_of, as_json
from pipeline.server.example import EXAMPLE, example_csv
from pipeline.server.explaining import explanation_of
from pipeline.server.guards import Guards
from pipeline.server.limits import Problem
from pipeline.server.pages import Pages
from pipeline.server.reference import FORM, PROBLEMS
from pipeline.server.service import Asked, Service
from pipeline.server.sheet import drawing_of, sheet_of

Found = TypeVar("Found")
STATIC = Path(__file__).parent / "static"


def create_app(service: Service, host: str = "127.0.0.1") -> Guards:
    """The application, guarded.

    Args:
        service: that answers; it is closed when the application ends.
        host: the address that it will listen at.
    """

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(service.close)

    app = FastAPI(
        title="ecgfusion",
        version="1",
        description=f"A recording in, what trained runs say of it out; {NOTICE}",
        docs_url=None,  # FastAPI's own pages load their scripts from elsewhere
        redoc_url=None,
        lifespan=running,
    )
    _add_json(app, service)
    _add_pages(app, service)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _not_there)
    app.add_exception_handler(Exception, _failed)
    return Guards(app, host, service.limits)


def _add_json(app: FastAPI, service: Service) -> None:
    @app.post("/predict", response_model=list[Answer], responses=PROBLEMS, openapi_extra=FORM, tags=["recordings"])
    async def predict(request: Request) -> Response:
        """What each run says of one recording: a list with an entry a run, as predict.py --json gives it.

        Where some runs cannot see the recording, theirs has a problem in place of an answer; where none can, the status
        is 422. One recording a request: its file, or of WFDB its .hea with the files that it names.
        """

        def work(asked: Asked) -> list[dict[str, Any]]:
            return as_json(asked, answers_of(asked))

        return JSONResponse(await _answer(service, request, work))

    @app.post(
        "/draw",
        response_class=Response,
        responses={**PROBLEMS, 200: {"content": {"image/svg+xml": {}}, "description": "The drawing"}},
        openapi_extra=FORM,
        tags=["recordings"],
    )
    async def draw(request: Request) -> Response:
        """The first ten seconds of one recording on ECG paper, SVG, true to the millimetre."""
        svg, name = await _answer(service, request, drawing_of)
        disposition = f"attachment; filename*=UTF-8''{quote(name)}.svg"
        return Response(svg, media_type="image/svg+xml", headers={"Content-Disposition": disposition})

    @app.post(
        "/explain",
        response_class=Response,
        responses={**PROBLEMS, 200: {"content": {"image/png": {}}, "description": "The drawing"}},
        openapi_extra=FORM,
        tags=["recordings"],
    )
    async def explain(request: Request) -> Response:
        """What moved the first run's most probable class, colour behind the trace on ECG paper, PNG; takes seconds."""
        png, name = await _answer(service, request, explanation_of)
        disposition = f"inline; filename*=UTF-8''{quote(name)}.png"
        return Response(png, media_type="image/png", headers={"Content-Disposition": disposition})

    @app.get("/runs", tags=["server"])
    async def runs() -> list[dict[str, Any]]:
        """The runs that are served: what each is, its classes, the leads and the sampling rate (Hz) that it needs."""
        return [each.describe() for each in service.served]

    @app.get("/health", tags=["server"])
    async def health() -> dict[str, Any]:
        """Whether the server answers, how many runs it has, and how many requests it works on at the moment."""
        inside = {"at_once": service.n_inside, "most_at_once": service.limits.most_at_once}
        return {"status": "ok", "runs": len(service.served), **inside, "notice": NOTICE}

    @app.get("/example.csv", response_class=Response, tags=["server"])
    async def example() -> Response:
        """A simulated recording, to try the others with."""
        disposition = f'attachment; filename="{EXAMPLE}"'
        return Response(example_csv(), media_type="text/csv", headers={"Content-Disposition": disposition})


def _add_pages(app: FastAPI, service: Service) -> None:
    pages = Pages(service)

    @app.get("/", include_in_schema=False)
    async def page() -> HTMLResponse:
        return HTMLResponse(pages.page())

    @app.post("/", include_in_schema=False)
    async def answered(request: Request) -> HTMLResponse:
        show = pages.part if "x-part" in request.headers else pages.page  # the script puts a part into its page
        try:
            sheet = await _answer(service, request, sheet_of)
        except Problem as problem:
            return HTMLResponse(show(problem=problem.sentence), problem.status, problem.headers)
        return HTMLResponse(show(sheet=sheet))

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(pages.reference(app.openapi()))


async def _answer(service: Service, request: Request, work: Callable[[Asked], Found]) -> Found:
    return await service.answer(request.headers.get("content-type", ""), request.stream(), work)


async def _problem(_: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)
    return _sentence(problem.status, problem.sentence, problem.headers)


async def _not_there(_: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)
    sentence = {404: "there is nothing here: see / or /docs", 405: "this address takes another method: see /docs"}
    return _sentence(
        problem.status_code, sentence.get(problem.status_code, problem.detail), dict(problem.headers or {})
    )


async def _failed(_: Request, __: Exception) -> Response:
    return _sentence(500, "the server failed at this, which is no fault of yours: its terminal says where")


def _sentence(status: int, sentence: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"problem": sentence, "notice": NOTICE}, status, headers)
