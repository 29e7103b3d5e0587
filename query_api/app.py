"""The query side over HTTP: one documented operation a metric, derived from the registry; the only module here that
knows the web framework.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import msgspec
from fastapi import APIRouter, Request, Response, Security
from fastapi.security import HTTPBearer
from pydantic import BaseModel

from query_api import contract, exposition, retention
from query_api.access import BRIEFLY, PREFLIGHT, mark_private, tenant_of, token_of
from query_api.admission import Admission, CallerGone, too_large
from query_api.answer import in_each
from query_api.catalogue import (
    catalogue,
    compare_parameters,
    description,
    explain_parameters,
    layer_parameters,
    operation_parameters,
    revision_parameters,
    series_parameters,
    values_parameters,
)
from query_api.comparing import Differ, compare
from query_api.count import count as count_cells
from query_api.count import count_apart
from query_api.count import explain as explain_units
from query_api.damaged import Damages
from query_api.differences import differences
from query_api.funnel_count import CountFunnel, ListFunnel, count_funnel, list_funnel
from query_api.funnels import Funnels, funnel_parameters, people_parameters
from query_api.live import Live
from query_api.models_app import reference
from query_api.page_app import add_page
from query_api.problem_app import answer_problem
from query_api.rolling import revisions
from query_api.series import Series
from query_api.service import Answers, Count, Explain, Lag, refuse_all
from query_api.sign_in_app import add_signing_in
from query_api.sse import Times
from query_api.status import Status
from query_api.stream_app import STREAM, add_stream
from schemas.errors import PROBLEM_MEDIA_TYPE, Problem
from schemas.metrics import METRICS
from schemas.metrics.cohorts import TRIANGLE
from schemas.metrics.funnels import FUNNELS
from schemas.metrics.metric import Metric
from schemas.outage import Outage
from schemas.ports import Queries, QuestionTooLarge, Store, StoreRejected, StoreUnavailable
from schemas.signals import MEDIA_TYPE
from schemas.tenants import Tenant, Tenants

log = logging.getLogger(__name__)
RETRY_AFTER = 2
GONE = 499
"""What is counted of a question whose caller left, as others do it; nobody is sent it."""

Pairs = list[tuple[str, str]]
Ask = Callable[[Pairs, Tenant], Awaitable[dict[str, Any]]]
Endpoint = Callable[[Request], Awaitable[Response]]
T = TypeVar("T")
Write = Callable[[T, str], Response]


def router(
    store: Store,
    tenants: Tenants,
    watermark: Callable[[], int],
    lag: Callable[[], Lag] = Lag,
    *,
    count: Count = count_cells,
    explain: Explain = explain_units,
    live: Live | None = None,
    times: Times | None = None,
    funnel: CountFunnel = count_funnel,
    funnel_units: ListFunnel = list_funnel,
    differ: Differ = differences,
    takes_events: bool = False,
    admission: Admission | None = None,
    beside: Queries | None = None,
    damages: Damages = tuple,
) -> APIRouter:
    """Everything that is read. Add `problems` to the application, for paths that do not exist. Whoever gives `live` can
    close it, which ends all streams. `takes_events`: producers send to the same address. `beside` answers `/v1/status`,
    which waits for no question (default: the store).
    """
    answers = Answers(store, watermark, count, explain, lag, count_apart if count is count_cells else None, damages)
    series = Series(answers)
    api = APIRouter()
    admission = admission or Admission()
    asked = partial(_endpoint, tenants, admission)
    at_once = partial(_endpoint, tenants, None)
    add, add_apart = partial(_add, api, answers, asked), partial(_add, api, answers, at_once)
    add_apart("/v1/metrics", _catalogue, title="The catalogue of metrics", model=contract.Catalogue, parameters=[])
    add(
        "/v1/values",
        answers.values,
        title="Several metrics at once",
        model=contract.Values,
        parameters=[*values_parameters(), *layer_parameters()],
    )
    status = Status(beside or store, answers)
    add_apart("/v1/status", status.answer, title="How far counting is", model=contract.Status, parameters=[])
    _add_exposition(api, asked, store)
    _add_funnels(add, Funnels(store, watermark, funnel, funnel_units))
    add(
        "/v1/retention",
        retention.Triangles(store, watermark).answer,
        title=TRIANGLE.title,
        model=contract.Triangle,
        parameters=retention.parameters(),
        text=description(TRIANGLE),
    )
    for metric in METRICS.values():
        path = f"/v1/metrics/{metric.name}"
        ask, list_units = partial(_ask, answers, metric), partial(_explain, answers, metric)
        add(
            path,
            ask,
            title=metric.title,
            model=contract.Answer,
            parameters=[*operation_parameters(metric), *layer_parameters()],
            text=description(metric),
        )
        title = f"{metric.title}: the rows behind it"
        add(
            f"{path}/explain",
            list_units,
            title=title,
            model=contract.Explanation,
            parameters=explain_parameters(metric),
        )
        add(
            f"{path}/series",
            partial(series.series, metric),
            title=f"{metric.title}: over time",
            model=contract.SeriesAnswer,
            parameters=[*series_parameters(metric), *layer_parameters()],
        )
        add(
            f"{path}/compare",
            partial(compare, answers, differ, metric),
            title=f"{metric.title}: every definition on the same data",
            model=contract.DefinitionsCompared,
            parameters=compare_parameters(metric),
            text=contract.DefinitionsCompared.__doc__ or "",
        )
        add(
            f"{path}/revisions",
            partial(_revisions, store, metric),
            title=f"{metric.title}: restated values",
            model=contract.Revisions,
            parameters=revision_parameters(),
            text=contract.Revisions.__doc__ or "",
        )
    for path in (f"/v1/metrics/{{name}}{under}" for under in ("", "/explain", "/series", "/compare", "/revisions")):
        api.add_api_route(path, at_once(_no_metric, _tagged), methods=["GET"], include_in_schema=False)
        api.add_route(path, _preflight, methods=["OPTIONS"], include_in_schema=False)
    add_stream(
        api,
        live or Live(answers, tenants),
        tenants,
        admission.pay,
        times or Times(),
        refused=answer_problem,
        responses=_RESPONSES,
    )
    api.add_route(STREAM, _preflight, methods=["OPTIONS"], include_in_schema=False)
    add_page(api, tenants, takes_events=takes_events, refused=answer_problem)
    add_signing_in(api, tenants)
    return api


def live_numbers(store: Store, tenants: Tenants, watermark: Callable[[], int], damages: Damages = tuple) -> Live:
    """What `router` streams from."""
    return Live(Answers(store, watermark, count_cells, explain_units, damages=damages), tenants)


def _add(
    api: APIRouter,
    answers: Answers,
    endpoint: Callable[[Ask, Write[dict[str, Any]]], Endpoint],
    path: str,
    ask: Ask,
    *,
    title: str,
    model: type[BaseModel],
    parameters: list[dict[str, Any]],
    text: str = "",
) -> None:
    async def watched(query: Pairs, tenant: Tenant) -> dict[str, Any]:
        return await answers.watched(ask(query, tenant), tenant)

    name = path.removeprefix("/v1/").replace("/", "_")
    api.add_api_route(
        path,
        endpoint(watched, _tagged),
        methods=["GET"],
        summary=title,
        description=text or None,
        operation_id=name,
        tags=["query"],
        response_model=None,
        responses={200: {"content": {"application/json": reference(model)}}, **_RESPONSES},
        openapi_extra={"parameters": parameters},
        dependencies=[Security(HTTPBearer(scheme_name="readToken", auto_error=False))],
    )
    api.add_route(path, _preflight, methods=["OPTIONS"], include_in_schema=False)


_PROBLEM = {"content": {PROBLEM_MEDIA_TYPE: reference(contract.Problem)}}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    304: {"description": "Nothing has changed since the ETag of `If-None-Match`"},
    400: {"description": "A parameter is unknown or has a value that it cannot have", **_PROBLEM},
    401: {"description": "No read token or session, or an unknown one", **_PROBLEM},
    403: {"description": "A write key cannot read", **_PROBLEM},
    422: {"description": "The question needs more than one may take", **_PROBLEM},
    429: {"description": "As many questions of the tenant run and wait as may; try again later", **_PROBLEM},
    503: {"description": "The store does not answer; try again", **_PROBLEM},
}


def _endpoint(
    tenants: Tenants, admission: Admission | None, ask: Callable[[Pairs, Tenant], Awaitable[T]], write: Write[T]
) -> Endpoint:
    """The answer to `ask` as a response: authenticated, every failure a problem. `write` makes it of what was answered
    and of the tags that the caller knows. Without `admission` it waits for no turn.
    """
    outage = Outage()

    async def answer(request: Request) -> Response:
        tenant: Tenant | None = None
        try:
            tenant = tenant_of(tenants, request.headers, request.cookies)
            question = partial(ask, request.query_params.multi_items(), tenant)
            if admission is None:
                content = await question()
            else:
                admission.pay(tenant, token_of(request.headers))
                content = await admission.answered(tenant.id, question, request.receive)
        except Problem as problem:
            response = answer_problem(problem)
        except CallerGone:
            return Response(status_code=GONE)
        except QuestionTooLarge as error:
            log.warning("a question of %s was too large: %s", tenant and tenant.id, error)
            response = answer_problem(too_large("it needs more memory or time, or has a larger result, than one may"))
        except StoreUnavailable as error:
            log.warning("the store does not answer: %s", error)
            since = outage.seen(time.time_ns() // 1_000_000)
            detail = f"The store has answered no such question since {since}."
            response = answer_problem(Problem("store_unavailable", detail, retry_after=RETRY_AFTER))
        except StoreRejected:
            log.exception("the store refused a question")
            response = answer_problem(Problem("overloaded", "the store refused this question", retry_after=RETRY_AFTER))
        else:
            outage.over()
            response = write(content, request.headers.get("if-none-match", ""))
        mark_private(response.headers, tenants, tenant, request.headers.get("origin"))
        return response

    return answer


def _tagged(content: dict[str, Any], known: str) -> Response:
    """The content with an ETag that does not change while only the watermark does."""
    digest = hashlib.sha256(msgspec.json.encode(_without_watermark(content))).hexdigest()
    headers = {"etag": f'"{digest[:32]}"', "cache-control": BRIEFLY, "x-content-type-options": "nosniff"}
    tags = [tag.strip().removeprefix("W/") for tag in known.split(",")]
    if headers["etag"] in tags or "*" in tags:
        return Response(status_code=304, headers=headers)
    return Response(msgspec.json.encode(content), headers=headers, media_type="application/json")


def _without_watermark(content: dict[str, Any]) -> dict[str, Any]:
    stripped = {key: value for key, value in content.items() if key != "watermark"}
    return in_each(stripped, _without_watermark)


async def _preflight(request: Request) -> Response:
    return Response(
        status_code=204, headers={**PREFLIGHT, "access-control-allow-origin": request.headers.get("origin", "*")}
    )


def _add_exposition(api: APIRouter, endpoint: Callable[[Any, Write[str]], Endpoint], store: Store) -> None:
    async def ask(query: Pairs, tenant: Tenant) -> str:
        refuse_all(query)
        return await exposition.text(store, tenant.id)

    api.add_api_route(
        exposition.PATH,
        endpoint(ask, lambda text, _: Response(text, media_type=MEDIA_TYPE)),
        methods=["GET"],
        summary="The published values for Prometheus",
        description=exposition.DESCRIPTION,
        operation_id="prometheus",
        tags=["query"],
        response_model=None,
        response_class=Response,
        responses={
            200: {"description": "Gauges", "content": {"text/plain": {"schema": {"type": "string"}}}},
            **{status: told for status, told in _RESPONSES.items() if status != 304},
        },
        dependencies=[Security(HTTPBearer(scheme_name="readToken", auto_error=False))],
    )
    api.add_route(exposition.PATH, _preflight, methods=["OPTIONS"], include_in_schema=False)


def _add_funnels(add: Callable[..., None], funnels: Funnels) -> None:
    add(
        "/v1/funnels",
        funnels.value,
        title=FUNNELS.title,
        model=contract.Funnel,
        parameters=funnel_parameters(),
        text=description(FUNNELS),
    )
    add(
        "/v1/funnels/people",
        funnels.people,
        title=f"{FUNNELS.title}: the people behind a step",
        model=contract.FunnelPeople,
        parameters=people_parameters(),
    )


async def _catalogue(query: Pairs, tenant: Tenant) -> dict[str, Any]:
    del tenant
    refuse_all(query)
    return catalogue()


async def _no_metric(query: Pairs, tenant: Tenant) -> dict[str, Any]:
    del query, tenant
    raise Problem("unknown_metric", "no metric has this name; /v1/metrics lists them all")


async def _revisions(store: Store, metric: Metric, query: Pairs, tenant: Tenant) -> dict[str, Any]:
    return await revisions.listed(store, metric, query, tenant)


async def _ask(answers: Answers, metric: Metric, query: Pairs, tenant: Tenant) -> dict[str, Any]:
    return await answers.value(metric, query, tenant)


async def _explain(answers: Answers, metric: Metric, query: Pairs, tenant: Tenant) -> dict[str, Any]:
    return await answers.explain(metric, query, tenant)
