"""The service keeps what its description says, for what that allows and for what it forbids.

schemathesis makes the requests and checks the answers, with every check that it has by default.
"""

import json
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis import Case

from api.command.film import COLLINS, portrait
from api.http.openapi import description
from tests.system.service import Service

pytestmark = pytest.mark.system

_NOWHERE = "rtsp://127.0.0.1:9/nothing"
"""What is asked for is made up; no stranger's host is to be connected to."""
_ENDLESS = r"/video$"

schema = schemathesis.openapi.from_dict(json.loads(description())).exclude(path_regex=_ENDLESS)
for kind in ("jpeg", "png", "webp", "bmp"):
    schemathesis.openapi.media_type(f"image/{kind}", st.just(portrait(COLLINS).read_bytes()))
schemathesis.openapi.media_type("application/sdp", st.text().map(str.encode))


@pytest.fixture(scope="module")
def token(service: Service) -> tuple[str, str]:
    """Where the service is, and what opens it."""
    with service.client() as client:
        return service.url, client.headers["Authorization"]


@schema.parametrize()
@settings(max_examples=20, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_described_is_what_happens(case: Case[Any], token: tuple[str, str]) -> None:
    url, authorization = token
    if isinstance(case.body, dict) and case.body.keys() & {"url", "streams", "options"}:
        case.body = _possible(case.body)
    case.call_and_validate(base_url=url, headers={"Authorization": authorization}, timeout=20)


def _possible(body: dict[str, Any]) -> dict[str, Any]:
    """The same with addresses at which nothing is, and a region that ends inside of the picture.

    JSON Schema cannot say the latter.
    """
    streams, options = body.get("streams"), body.get("options")
    if isinstance(streams, dict):
        asked = {role: _NOWHERE if isinstance(url, str) else url for role, url in streams.items()}
        body = {**body, "streams": asked}
    if isinstance(options, dict) and isinstance(options.get("region"), dict):
        region = {
            side: 0
            if side in {"x", "y"} and type(value) in {int, float} and 0 <= value < 1
            else value
            for side, value in options["region"].items()
        }
        body = {**body, "options": {**options, "region": region}}
    return {**body, "url": _NOWHERE, "enabled": False} if "url" in body else body


def test_a_method_that_is_none_is_told_what_there_is(token: tuple[str, str]) -> None:
    url, authorization = token
    answer = httpx.request(
        "TRACE", f"{url}/api/v1/users/me", headers={"Authorization": authorization}
    )
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET"
    assert answer.headers["Content-Type"] == "application/problem+json"
