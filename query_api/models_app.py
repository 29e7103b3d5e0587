"""Answers' models in the OpenAPI document: operations refer to them, and they are made when the document is read.

A route that names a model to FastAPI makes it build the model's checks, once a route, and load pydantic's first version
to see that the model is none of those: a fifth of a start. Answers are bytes already and are never checked here.
"""

from __future__ import annotations

import json
import re
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

_WHERE = "#/components/schemas/"


def reference(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of an answer or a problem, for a route's `responses`; `model` is one of contract.py."""
    return {"schema": {"$ref": _WHERE + model.__name__}}


def add_models(app: FastAPI) -> None:
    """Describe in the document of `app` what its operations refer to."""
    without = app.openapi

    def openapi() -> dict[str, Any]:
        is_made = app.openapi_schema is not None
        document = without()
        if not is_made and (names := set(re.findall(f'"{_WHERE}([^"]+)"', json.dumps(document["paths"])))):
            document["components"] = {"schemas": _schemas(names), **document["components"]}
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI says how to extend the document


def _schemas(names: set[str]) -> dict[str, Any]:
    """The models of these names, and those that they consist of, as FastAPI itself describes them."""
    from query_api import contract  # noqa: PLC0415 -- not every service has answers to describe

    described = FastAPI()
    for name in names:
        described.add_api_route(f"/{name}", _no_answer, response_model=getattr(contract, name))
    schemas: dict[str, Any] = described.openapi()["components"]["schemas"]
    return schemas


async def _no_answer() -> None:
    """What would answer, if the routes were for more than their description."""
