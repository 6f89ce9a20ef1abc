"""A running service: its answers as JSON, its problems as errors of ours."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from pipeline.errors import FaceapiError, Misconfigured, Transient

PREFIX = "/api/v1"
_PATIENCE = httpx.Timeout(120.0, connect=5.0)
"""Seconds: photographs take a while to be looked at."""


class Refused(FaceapiError):  # noqa: N818 - named for what the service did
    """The service says why."""


@dataclass(frozen=True, slots=True)
class Login:
    """Where a service is, and the token that opens it; the address includes the API's prefix."""

    url: str
    token: str = field(repr=False)


class Service:
    """One service; close it, or use it as a context."""

    def __init__(self, login: Login) -> None:
        self._url = login.url
        self._http = httpx.Client(
            base_url=login.url,
            timeout=_PATIENCE,
            headers={"Authorization": f"Bearer {login.token}"} if login.token else {},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def get(self, path: str, **query: str | int) -> Any:  # noqa: ANN401 - JSON
        """What is there.

        Raises:
            FaceapiError: it is refused, or the service is out of reach.
        """
        return self._ask("GET", path, params=query)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
        """Make something; raises as ``get`` does."""
        return self._ask("POST", path, json=body)

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
        """Change something; raises as ``get`` does."""
        return self._ask("PATCH", path, json=body)

    def put(self, path: str, body: Mapping[str, Any]) -> None:
        """Replace something; raises as ``get`` does."""
        self._ask("PUT", path, json=body)

    def delete(self, path: str) -> None:
        """Remove something; raises as ``get`` does."""
        self._ask("DELETE", path)

    def upload(self, path: str, photographs: Sequence[Path], field: str = "images") -> Any:  # noqa: ANN401 - JSON
        """Send files as a field of a form; raises as ``get`` does."""
        files = [(field, (one.name, one.read_bytes())) for one in photographs]
        return self._ask("POST", path, files=files)

    def sign_in(self, user: str, password: str) -> str:
        """A token; raises as ``get`` does."""
        form = {"grant_type": "password", "username": user, "password": password}
        return str(self._ask("POST", "/auth/token", data=form)["access_token"])

    def pages(self, path: str, **query: str | int) -> Iterator[Any]:
        """Every item of a list, page after page."""
        after: Mapping[str, str] = {}
        while True:
            page = self.get(path, **query, **after)
            yield from page["items"]
            if not page.get("next"):
                return
            after = {"after": page["next"]}

    def _ask(self, verb: str, path: str, **more: Any) -> Any:  # noqa: ANN401 - httpx' own, and JSON
        with self._connected():
            answer = self._http.request(verb, path, **more)
        if answer.is_success:
            return answer.json() if answer.content else None
        raise _refusal(answer)

    @contextmanager
    def _connected(self) -> Iterator[None]:
        try:
            yield
        except (httpx.UnsupportedProtocol, httpx.InvalidURL):
            raise Misconfigured(f"{self._url}: no address such as http://127.0.0.1:8000") from None
        except httpx.TransportError as error:
            raise Transient(
                f"no service answers at {self._url} ({error}): start it by `faceapi`, or name "
                "another one: `faceapi login URL`"
            ) from None


def _refusal(answer: httpx.Response) -> FaceapiError:
    try:
        detail = str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        detail = f"the service answered {answer.status_code} {answer.reason_phrase}"
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        detail += " (`faceapi login`)"
    return Refused(detail)
