import pytest

from ingest.address import CameraUrl, WhipAddress, camera_address
from pipeline.errors import BadInput

SECRET = "p@ss:/#?w%rd"
ENCODED = "p%40ss%3A%2F%23%3Fw%25rd"


def test_the_parts_are_plain_text() -> None:
    url = CameraUrl.parse(f"RTSP://gate%40home:{ENCODED}@10.0.0.7:8554/live/1?track=2")
    assert (url.scheme, url.host, url.port) == ("rtsp", "10.0.0.7", 8554)
    assert (url.user, url.password) == ("gate@home", SECRET)
    assert url.path == "/live/1?track=2"


def test_whoever_prints_it_sees_no_password() -> None:
    url = CameraUrl.parse(f"rtsp://gate:{ENCODED}@camera/live")
    shown = [str(url), repr(url), f"{url}", f"{url!r}", f"{[url]}", f"{url:>80}"]
    assert len(shown) == 6
    for text in shown:
        assert "gate:***@camera" in text
        assert SECRET not in text
        assert ENCODED not in text


def test_the_real_url_is_had_by_asking_for_its_secrets() -> None:
    text = f"rtsp://gate:{ENCODED}@camera:554/live"
    assert CameraUrl.parse(text).with_secrets == text


@pytest.mark.parametrize(
    "password", ["p@ss", "p:ss", "p@s:s@", "p/ss", "p#ss", "p?ss", "/", "a/b:c#d", "päß"]
)
def test_a_password_may_be_written_as_it_is(password: str) -> None:
    url = CameraUrl.parse(f"rtsp://gate:{password}@camera/live")
    assert (url.user, url.password, url.host, url.path) == ("gate", password, "camera", "/live")
    assert CameraUrl.parse(url.with_secrets) == url


def test_an_at_sign_in_a_path_belongs_to_the_path() -> None:
    url = CameraUrl.parse("rtsp://camera/live@1")
    assert (url.user, url.host, url.path) == (None, "camera", "/live@1")


@pytest.mark.parametrize(
    "text",
    ["rtsp://gate:1234/5@camera/live", "rtsp://gate:p@1234/5@camera/live"],
)
def test_two_readings_are_refused_without_repeating_the_password(text: str) -> None:
    with pytest.raises(BadInput, match="%40") as caught:
        CameraUrl.parse(text)
    assert "1234" not in str(caught.value)


def test_a_password_in_the_path_is_hidden_too() -> None:
    url = CameraUrl.parse("rtsp://camera/user=admin&password=tOpS&channel=1?token=abc&x=1")
    assert str(url) == "rtsp://camera:554/user=admin&password=***&channel=1?token=***&x=1"
    assert "password=tOpS" in url.with_secrets


@pytest.mark.parametrize(("scheme", "port"), [("rtsp", 554), ("rtsps", 322)])
def test_each_scheme_has_its_usual_port(scheme: str, port: int) -> None:
    assert CameraUrl.parse(f"{scheme}://camera").port == port


def test_an_address_of_version_6_keeps_its_brackets() -> None:
    url = CameraUrl.parse("rtsp://gate:x@[fe80::1]:8554/live")
    assert (url.host, url.port) == ("fe80::1", 8554)
    assert url.with_secrets == "rtsp://gate:x@[fe80::1]:8554/live"


def test_a_user_without_a_password_stays_one() -> None:
    url = CameraUrl.parse("rtsp://gate@camera/live")
    assert (url.user, url.password) == ("gate", None)
    assert str(url) == "rtsp://gate@camera:554/live"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "camera",
        "/videos/a.mp4",
        "http://gate:nite-word@camera/",
        "rtsp:/gate:nite-word@camera",
        "rtsp://",
        "rtsp:///live",
        "rtsp://gate:nite-word@/live",
        "rtsp://gate:nite-word@camera:x/live",
        "rtsp://gate:nite-word@camera:0/live",
        "rtsp://gate:nite-word@camera:65536/live",
        "rtsp://gate:nite-word@cam era/live",
        "rtsp://gate:nite-word@[fe80::1/live",
    ],
)
def test_what_is_no_address_is_refused_without_its_password(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        CameraUrl.parse(text)
    assert "nite-word" not in str(caught.value)


def test_a_librarys_text_is_cleaned() -> None:
    url = CameraUrl.parse(f"rtsp://gate:{ENCODED}@camera/live?pwd=abc")
    said = f"cannot open '{url.with_secrets}' with {SECRET} or pwd=abc"
    assert url.redact(said) == f"cannot open '{url}' with *** or pwd=***"


@pytest.mark.parametrize("text", ["whip:", " WHIP: "])
def test_a_camera_that_connects_by_itself_has_an_address_too(text: str) -> None:
    address = camera_address(text)
    assert address == WhipAddress()
    assert (str(address), address.with_secrets) == ("whip:", "whip:")


def test_all_else_is_read_as_the_url_of_a_camera() -> None:
    assert camera_address("rtsp://192.0.2.7/a") == CameraUrl.parse("rtsp://192.0.2.7/a")
    for wrong in ("whip", "whip:x", "whip://host/", ""):
        with pytest.raises(BadInput):
            camera_address(wrong)
