"""Downloads from a real HTTP server on 127.0.0.1 that can break off, resume and lie."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipeline.errors import BadInput, Misconfigured, Transient
from pipeline.packs.download import pull
from pipeline.packs.manifest import Downloaded, Manifest, load_manifest
from pipeline.packs.pack import network_paths, open_pack

CONTENT = bytes(range(256)) * 2000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Publisher(ThreadingHTTPServer):
    """Serves ``content`` at every path; breaks off once after ``breaks_at`` bytes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = CONTENT
        self.breaks_at: int | None = None
        self.ranges = True
        self.asked: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Publisher

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.asked.append((self.path, wanted))
        begin = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        begin = begin if self.server.ranges else 0
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(self.server.content) - begin))
        self.end_headers()
        end, self.server.breaks_at = self.server.breaks_at, None
        self.wfile.write(self.server.content[begin:end])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Quiet."""


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with Publisher() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def manifest(publisher: Publisher) -> Manifest:
    zoo = load_manifest("opencv-zoo")
    networks = {
        role: Downloaded(
            file=f"{role}.onnx", url=f"{publisher.url}/{role}", bytes=len(CONTENT), sha256=SHA256
        )
        for role in zoo.networks
    }
    return zoo.model_copy(update={"id": "test-zoo", "networks": networks})


def quiet(what: str, done: int, total: int) -> None:
    assert what
    assert 0 <= done <= total


def test_a_pack_is_fetched_with_progress_and_then_opens(manifest: Manifest, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    pull(manifest, tmp_path, lambda *said: told.append(said))
    pack = open_pack(manifest, tmp_path, quiet)
    assert [path.read_bytes() for path in pack.networks.values()] == [CONTENT, CONTENT]
    assert told[-1] == ("embedder.onnx", len(CONTENT), len(CONTENT))


def test_what_is_here_is_not_fetched_again(
    manifest: Manifest, publisher: Publisher, tmp_path: Path
) -> None:
    pull(manifest, tmp_path, quiet)
    pull(manifest, tmp_path, quiet)
    assert len(publisher.asked) == 2


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_that_broke_off_is_finished_by_the_next_pull(
    manifest: Manifest, publisher: Publisher, tmp_path: Path, ranges: bool
) -> None:
    publisher.breaks_at, publisher.ranges = 100_000, ranges
    with pytest.raises(Transient, match="cannot be fetched now"):
        pull(manifest, tmp_path, quiet)
    pull(manifest, tmp_path, quiet)
    first, second, *_ = publisher.asked
    assert first == ("/detector", None)
    assert second[0] == "/detector"
    assert second[1] is not None
    assert second[1].startswith("bytes=")
    assert all(path.read_bytes() == CONTENT for path in network_paths(manifest, tmp_path).values())


def test_other_bytes_than_promised_are_refused_and_not_kept(
    manifest: Manifest, publisher: Publisher, tmp_path: Path
) -> None:
    publisher.content = b"x" + CONTENT[1:]
    with pytest.raises(BadInput, match="nothing of it was kept"):
        pull(manifest, tmp_path, quiet)
    assert list((tmp_path / "models/test-zoo").iterdir()) == []


def test_a_file_without_end_is_cut_where_it_should_end(
    manifest: Manifest, publisher: Publisher, tmp_path: Path
) -> None:
    publisher.content = CONTENT * 20
    told: list[int] = []
    with pytest.raises(BadInput, match=f"sent {len(CONTENT) + 1} bytes"):
        pull(manifest, tmp_path, lambda _, done, __: told.append(done))
    assert max(told) == len(CONTENT)


def test_a_mirror_is_asked_by_pack_and_file(
    manifest: Manifest, publisher: Publisher, tmp_path: Path
) -> None:
    pull(manifest, tmp_path, quiet, mirror=f"{publisher.url}/models/")
    assert [path for path, _ in publisher.asked] == [
        "/models/test-zoo/detector.onnx",
        "/models/test-zoo/embedder.onnx",
    ]


def test_without_a_network_the_message_says_what_to_do(
    manifest: Manifest, publisher: Publisher, tmp_path: Path
) -> None:
    publisher.server_close()
    with pytest.raises(Transient) as error:
        pull(manifest, tmp_path, quiet)
    assert "MODEL_MIRROR" in str(error.value)
    assert str(network_paths(manifest, tmp_path)["detector"]) in str(error.value)


def test_a_licence_that_must_be_accepted_is_asked_for(
    manifest: Manifest, publisher: Publisher, tmp_path: Path
) -> None:
    licence = manifest.licence.model_copy(update={"must_be_accepted": True})
    strict = manifest.model_copy(update={"licence": licence})
    with pytest.raises(Misconfigured, match="--accept-licence"):
        pull(strict, tmp_path, quiet)
    assert publisher.asked == []
    pull(strict, tmp_path, quiet, accept_licence=True)
    assert len(publisher.asked) == 2


def test_a_pack_that_is_not_here_says_how_to_get_it(manifest: Manifest, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="run `faceapi models pull test-zoo`"):
        open_pack(manifest, tmp_path, quiet)


def test_a_file_that_was_tampered_with_is_not_run(manifest: Manifest, tmp_path: Path) -> None:
    pull(manifest, tmp_path, quiet)
    network_paths(manifest, tmp_path)["embedder"].write_bytes(b"something else")
    with pytest.raises(Misconfigured, match="another sha256"):
        open_pack(manifest, tmp_path, quiet)
