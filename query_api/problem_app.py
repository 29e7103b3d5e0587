"""A problem as an answer, and one for each path and method that is not there; in every service, so it loads little."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI, Request, Response

from schemas.errors import Problem, problem_headers, problem_json


def problems(app: FastAPI) -> None:
    """Answer unknown paths and methods with a problem, as everything else."""

    async def not_found(request: Request, error: Exception) -> Response:
        return answer_problem(Problem("not_found", f"nothing at {request.url.path[:200]}"), error)

    async def wrong_method(request: Request, error: Exception) -> Response:
        return answer_problem(Problem("method_not_allowed", f"not {request.method[:20]}"), error)

    app.add_exception_handler(404, not_found)
    app.add_exception_handler(405, wrong_method)


def answer_problem(problem: Problem, error: Exception | None = None) -> Response:
    """The answer; `error` may have headers of its own."""
    headers = problem_headers(problem)
    if problem.status == 401:
        headers["www-authenticate"] = "Bearer"
    allowed: Mapping[str, str] = getattr(error, "headers", None) or {}
    return Response(problem_json(problem), problem.status, headers={**allowed, **headers})
