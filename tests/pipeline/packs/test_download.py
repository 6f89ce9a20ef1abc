"""Downloads from a real HTTP server on 127.0.0.1 that can break off, resume and lie."""

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipeline.errors import BadInput, Misconfigured, Transient
from pipeline.packs.download import pull
from pipeline.packs.manifest import Archive, Archived, Downloaded, Manifest, load_manifest
from pipeline.packs.pack import network_paths, open_pack, verify

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
        if begin and begin >= len(self.server.content):
            self.send_error(416)
            return
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


@pytest.fixture
def strict(manifest: Manifest) -> Manifest:
    licence = manifest.licence.model_copy(
        update={"must_be_accepted": True, "terms": "For research only."}
    )
    return manifest.model_copy(update={"licence": licence})


def test_a_licence_that_must_be_accepted_is_asked_for_with_its_terms(
    strict: Manifest, publisher: Publisher, tmp_path: Path
) -> None:
    with pytest.raises(Misconfigured, match=r"For research only\..*--accept-license") as error:
        pull(strict, tmp_path, quiet)
    assert "MODEL_ACCEPT_LICENCE=test-zoo" in str(error.value)
    assert publisher.asked == []
    pull(strict, tmp_path, quiet, accept_licence=True)
    assert len(publisher.asked) == 2


def test_a_yes_is_remembered_until_the_terms_change(strict: Manifest, tmp_path: Path) -> None:
    pull(strict, tmp_path, quiet, accept_licence=True)
    pull(strict, tmp_path, quiet)
    open_pack(strict, tmp_path, quiet)
    licence = strict.licence.model_copy(update={"terms": "For nobody."})
    other = strict.model_copy(update={"licence": licence})
    with pytest.raises(Misconfigured, match=r"For nobody\."):
        open_pack(other, tmp_path, quiet)


def test_files_that_were_put_there_by_hand_want_a_yes_too(
    manifest: Manifest, strict: Manifest, tmp_path: Path
) -> None:
    pull(manifest, tmp_path, quiet)
    with pytest.raises(Misconfigured, match="must be accepted"):
        open_pack(strict, tmp_path, quiet)
    assert [flaw for flaw in verify(strict, tmp_path) if "For research only" in flaw]


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


NETWORKS = {"detector": CONTENT, "embedder": CONTENT[::-1]}


def archived(manifest: Manifest, publisher: Publisher, content: bytes) -> Manifest:
    """A pack of two networks that come in one ZIP file whose size nobody states."""
    publisher.content = content
    archive = Archive(
        file="all.zip", url=f"{publisher.url}/all.zip", sha256=hashlib.sha256(content).hexdigest()
    )
    networks = {
        role: Archived(member=f"{role}.onnx", sha256=hashlib.sha256(data).hexdigest())
        for role, data in NETWORKS.items()
    }
    return manifest.model_copy(update={"archive": archive, "networks": networks})


@pytest.mark.parametrize("folder", ["", "pack/", "../../"])
def test_networks_come_out_of_an_archive_wherever_they_lie_in_it(
    manifest: Manifest, publisher: Publisher, tmp_path: Path, folder: str
) -> None:
    files = {f"{folder}{role}.onnx": data for role, data in NETWORKS.items()}
    pack = archived(manifest, publisher, zipped(files | {"genderage.onnx": b"unwanted"}))
    told: list[tuple[str, int, int]] = []
    pull(pack, tmp_path / "cache", lambda *said: told.append(said))
    opened = open_pack(pack, tmp_path / "cache", quiet)
    assert {role: path.read_bytes() for role, path in opened.networks.items()} == NETWORKS
    assert publisher.asked == [("/all.zip", None)]
    assert told[-1] == ("all.zip", len(publisher.content), len(publisher.content))
    kept = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert kept == ["detector.onnx", "embedder.onnx"]


def test_an_archive_is_not_fetched_for_networks_that_are_here(
    manifest: Manifest, publisher: Publisher, tmp_path: Path
) -> None:
    files = {f"{role}.onnx": data for role, data in NETWORKS.items()}
    pack = archived(manifest, publisher, zipped(files))
    pull(pack, tmp_path, quiet)
    network_paths(pack, tmp_path)["embedder"].unlink()
    pull(pack, tmp_path, quiet)
    pull(pack, tmp_path, quiet)
    assert len(publisher.asked) == 2
    open_pack(pack, tmp_path, quiet)


def test_an_archive_that_broke_off_is_finished_by_the_next_pull(
    manifest: Manifest, publisher: Publisher, tmp_path: Path
) -> None:
    files = {f"{role}.onnx": data for role, data in NETWORKS.items()}
    pack = archived(manifest, publisher, zipped(files))
    publisher.breaks_at = 100_000
    with pytest.raises(Transient, match="cannot be fetched now"):
        pull(pack, tmp_path, quiet)
    pull(pack, tmp_path, quiet)
    assert publisher.asked[1][1] is not None
    open_pack(pack, tmp_path, quiet)


def test_an_archive_that_was_here_whole_before_its_end_was_seen_is_taken(
    manifest: Manifest, publisher: Publisher, tmp_path: Path
) -> None:
    """The server answers 416: there is nothing beyond."""
    files = {f"{role}.onnx": data for role, data in NETWORKS.items()}
    pack = archived(manifest, publisher, zipped(files))
    part = network_paths(pack, tmp_path)["detector"].with_name("all.zip.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(publisher.content)
    pull(pack, tmp_path, quiet)
    open_pack(pack, tmp_path, quiet)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (zipped({"detector.onnx": CONTENT}), "embedder.onnx 0 times, expected once"),
        (
            zipped({"detector.onnx": CONTENT, "a/embedder.onnx": b"", "b/embedder.onnx": b""}),
            "embedder.onnx 2 times, expected once",
        ),
        (zipped({"detector.onnx": CONTENT, "embedder.onnx": b"x"}), "of the archive has sha256"),
        (b"no archive", "is no ZIP file"),
    ],
    ids=["missing", "twice", "other bytes", "no archive"],
)
def test_an_archive_that_is_not_what_the_manifest_says_is_refused(
    manifest: Manifest, publisher: Publisher, tmp_path: Path, content: bytes, said: str
) -> None:
    pack = archived(manifest, publisher, content)
    with pytest.raises(BadInput, match=said):
        pull(pack, tmp_path, quiet)
    assert not network_paths(pack, tmp_path)["embedder"].exists()
    assert list(tmp_path.rglob("*.zip*")) == []


def test_an_archive_with_another_hash_is_not_even_opened(
    manifest: Manifest, publisher: Publisher, tmp_path: Path
) -> None:
    files = {f"{role}.onnx": data for role, data in NETWORKS.items()}
    pack = archived(manifest, publisher, zipped(files))
    publisher.content = zipped(files | {"more": b""})
    with pytest.raises(BadInput, match="nothing of it was kept"):
        pull(pack, tmp_path, quiet)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_pack_that_is_not_here_says_how_to_get_it(manifest: Manifest, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="run `faceapi models pull test-zoo`"):
        open_pack(manifest, tmp_path, quiet)


def test_a_file_that_was_tampered_with_is_not_run(manifest: Manifest, tmp_path: Path) -> None:
    pull(manifest, tmp_path, quiet)
    network_paths(manifest, tmp_path)["embedder"].write_bytes(b"something else")
    with pytest.raises(Misconfigured, match="another sha256"):
        open_pack(manifest, tmp_path, quiet)
