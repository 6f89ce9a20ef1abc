"""Layers of settings: what wins, what is refused, and what a refusal says."""

import re
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path

import platformdirs
import pytest
import yaml
from pydantic import SecretStr, ValidationError

from api.settings.layers import keys_of
from api.settings.sections import FaceapiSettings
from api.settings.settings import Settings, load_settings
from pipeline.errors import Misconfigured

SHIPPED = (files("configs") / "default.yaml").read_text("utf-8")
WriteYaml = Callable[[str], Path]


@pytest.fixture
def yaml_file(tmp_path: Path) -> WriteYaml:
    def write(text: str) -> Path:
        file = tmp_path / "own.yaml"
        file.write_text(text, "utf-8")
        return file

    return write


def refusal(
    config: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Sequence[str] = (),
) -> Sequence[str]:
    """The problems that a start is refused for, one a line."""
    with pytest.raises(Misconfigured) as refused:
        load_settings(config, environ or {}, overrides)
    return str(refused.value).splitlines()[1:]


def default_of(key: str) -> object:
    section, _, name = key.partition(".")
    return getattr(getattr(load_settings(None, {}), section), name)


# The shipped file


def test_the_shipped_file_has_every_key_and_no_other() -> None:
    sections = yaml.safe_load(SHIPPED)
    there = [f"{section}.{key}" for section, keys in sections.items() for key in keys]
    assert len(there) > 30
    assert there == list(keys_of(Settings))


def test_the_shipped_file_has_the_default_of_every_key() -> None:
    shipped = yaml.safe_load(SHIPPED)
    folders = shipped.pop("faceapi")
    assert folders == {"data_dir": None, "cache_dir": None}
    assert shipped == Settings().model_dump(mode="json", exclude={"faceapi"})


def test_the_shipped_file_describes_every_key_as_the_program_does() -> None:
    written = re.findall(r"^  # (.+)\n  (\w+):", SHIPPED, re.MULTILINE)
    described = [
        (field.description, name)
        for section in Settings().__dict__.values()
        for name, field in type(section).model_fields.items()
    ]
    assert len(described) == len(keys_of(Settings))
    assert written == described


def test_the_shipped_file_describes_every_section() -> None:
    described = re.findall(r"^# .+\n(\w+):", SHIPPED, re.MULTILINE)
    assert described == list(Settings.model_fields)


# What wins


def test_without_anything_the_defaults_hold() -> None:
    assert load_settings(None, {}) == Settings()


def test_the_users_file_overrides_the_shipped_one_key_by_key(yaml_file: WriteYaml) -> None:
    settings = load_settings(yaml_file("detect: {max_side: 800}"), {})
    assert settings.detect.max_side == 800
    assert settings.detect.least_face == default_of("detect.least_face")


def test_the_environment_overrides_the_users_file(yaml_file: WriteYaml) -> None:
    file = yaml_file("detect: {max_side: 800, least_face: 50}")
    settings = load_settings(file, {"DETECT_MAX_SIDE": "960"})
    assert (settings.detect.max_side, settings.detect.least_face) == (960, 50)


def test_the_command_line_overrides_the_environment() -> None:
    environ = {"DETECT_MAX_SIDE": "960", "MODEL_DEVICE": "cuda:1"}
    settings = load_settings(None, environ, ["detect.max_side=1280"])
    assert (settings.detect.max_side, settings.model.device) == (1280, "cuda:1")


def test_of_two_overrides_the_later_one_wins() -> None:
    settings = load_settings(None, {}, ["inference.window=2", "inference.window=3"])
    assert settings.inference.window == 3


def test_every_key_has_its_environment_variable() -> None:
    texts = {"model.path": "/m.onnx", "model.emb_dim": "512", "milvus.db_host": "db"}
    texts |= {"milvus.db_db_name": "faces", "log.level": "DEBUG", "faceapi.data_dir": "/data"}
    environ = {key.replace(".", "_").upper(): text for key, text in texts.items()}
    assert "MILVUS_DB_DB_NAME" in environ
    settings = load_settings(None, environ)
    assert (settings.model.path, settings.model.emb_dim) == (Path("/m.onnx"), 512)
    assert (settings.milvus.db_host, settings.milvus.db_db_name) == ("db", "faces")
    assert (settings.log.level, settings.faceapi.data_dir) == ("debug", Path("/data"))


@pytest.mark.parametrize("source", ["file", "environment", "command line"])
def test_an_empty_value_is_unset(source: str, yaml_file: WriteYaml) -> None:
    below = yaml_file("detect: {max_side: 800}\nmilvus: {db_host: db}")
    if source == "file":
        settings = load_settings(yaml_file("detect: {max_side: }\nmilvus:\nmodel: ~"), {})
        assert settings == Settings()
        return
    if source == "environment":
        settings = load_settings(below, {"DETECT_MAX_SIDE": "", "MILVUS_DB_HOST": ""})
    else:
        settings = load_settings(below, {}, ["detect.max_side=", "milvus.db_host="])
    assert (settings.detect.max_side, settings.milvus.db_host) == (800, "db")


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n", "~"])
def test_an_empty_file_changes_nothing(text: str, yaml_file: WriteYaml) -> None:
    assert load_settings(yaml_file(text), {}) == Settings()


def test_a_value_means_the_same_in_a_file_as_in_the_environment(yaml_file: WriteYaml) -> None:
    """YAML alone would read 0123 as the number 83, and no as false."""
    for text in ("0123", "no", "1e3"):
        in_file = load_settings(yaml_file(f"milvus: {{db_password: {text}}}"), {})
        assert in_file.milvus.db_password == SecretStr(text)
        assert in_file == load_settings(None, {"MILVUS_DB_PASSWORD": text})


def test_settings_do_not_change() -> None:
    settings = load_settings(None, {})
    with pytest.raises(ValidationError, match="frozen"):
        settings.detect.max_side = 800  # type: ignore[misc]  # the point
    with pytest.raises(ValidationError, match="frozen"):
        settings.detect = settings.detect  # type: ignore[misc]  # the point


# What is refused


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("model.device", "tpu"),
        ("model.device", "cuda:x"),
        ("model.threshold", "1.5"),
        ("model.loader", "pickle"),
        ("model.emb_dim", "0"),
        ("inference.window", "0"),
        ("inference.lanes", "many"),
        ("detect.max_side", "5"),
        ("detect.max_side", "640.5"),
        ("detect.score", "nan"),
        ("track.keep", "-1"),
        ("track.keep", "inf"),
        ("identify.margin", "true"),
        ("milvus.db_port", "65536"),
        ("log.level", "loud"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_from_everywhere(
    key: str, text: str, yaml_file: WriteYaml
) -> None:
    section, _, name = key.partition(".")
    file, variable = yaml_file(f"{section}: {{{name}: '{text}'}}"), f"{section}_{name}".upper()
    for origin, problems in (
        (str(file), refusal(file)),
        (f"environment variable {variable}", refusal(environ={variable: text})),
        ("command line", refusal(overrides=[f"{key}={text}"])),
    ):
        assert len(problems) == 1
        assert f"{key} = '{text}' ({origin}): must be " in problems[0]


def test_a_refusal_says_what_is_allowed() -> None:
    (number,) = refusal(environ={"DETECT_MAX_SIDE": "5"})
    assert "must be a whole number from 64 to 8192. Longest side, in pixels" in number
    (choice,) = refusal(environ={"LOG_LEVEL": "loud"})
    assert "must be debug, info, warning, error." in choice
    (optional,) = refusal(environ={"MODEL_THRESHOLD": "2"})
    assert "must be a number above -1 and below 1 or empty." in optional


def test_all_problems_are_named_at_once(yaml_file: WriteYaml) -> None:
    file = yaml_file("detect: {max_side: 5, scroe: 0.3}\nmodle: {pack: a}")
    problems = refusal(file, {"MODEL_DEVICE": "tpu"}, ["inference.window=0", "max_side=9", "x"])
    for start in (
        f"  detect.max_side = '5' ({file})",
        f"  detect.scroe ({file}): there is no such key; did you mean detect.score?",
        f"  modle ({file}): there is no such key; did you mean model?",
        "  model.device = 'tpu' (environment variable MODEL_DEVICE)",
        "  inference.window = '0' (command line)",
        "  max_side (command line): there is no such key; did you mean detect.max_side?",
        "  setting 3 of the command line: must look like detect.max_side=800",
    ):
        assert sum(problem.startswith(start) for problem in problems) == 1, start
    assert len(problems) == 7


def test_a_wrong_value_is_refused_although_a_later_one_overrides_it(yaml_file: WriteYaml) -> None:
    problems = refusal(yaml_file("detect: {max_side: 5}"), {"DETECT_MAX_SIDE": "800"})
    assert len(problems) == 1


def test_an_unknown_key_is_refused_although_it_is_empty(yaml_file: WriteYaml) -> None:
    assert len(refusal(yaml_file("detect: {scroe: }"))) == 1
    assert len(refusal(overrides=["detect.scroe="])) == 1


def test_an_unknown_key_like_no_other_is_answered_with_the_keys_there_are() -> None:
    (problem,) = refusal(overrides=["inference.xyzzy=1"])
    assert problem.endswith(
        "there are inference.lanes, inference.batch, inference.batch_wait, "
        "inference.picture_memory, inference.window"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- detect", "must hold sections with keys"),
        ("detect", "must hold sections with keys"),
        ("detect: [1, 2]", "must hold keys; there are detect.max_side"),
        ("detect: {max_side: [1]}", "detect.max_side = (no single value)"),
        ("detect: [", "is no YAML (line 1, column 10)"),
        ("? [a]\n: b", "is no YAML"),
        ("a: \x00", "is no YAML"),
    ],
)
def test_a_file_of_another_shape_is_refused(text: str, problem: str, yaml_file: WriteYaml) -> None:
    (found,) = refusal(yaml_file(text))
    assert "own.yaml" in found
    assert problem in found


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (missing,) = refusal(tmp_path / "none.yaml")
    assert "none.yaml cannot be read: No such file or directory" in missing
    (folder,) = refusal(tmp_path)
    assert "cannot be read: Is a directory" in folder
    (tmp_path / "latin.yaml").write_bytes(b"model: {pack: \xe9}")
    (latin,) = refusal(tmp_path / "latin.yaml")
    assert "is not UTF-8 text" in latin


# Values that are allowed one by one, but not together


@pytest.mark.parametrize(
    ("overrides", "problem"),
    [
        (
            ["identify.most_looks=4", "identify.least_looks=5"],
            "identify: most_looks (4) must not be below least_looks (5)",
        ),
        (
            ["rtsp.most_backoff=2", "rtsp.least_backoff=3"],
            "rtsp: most_backoff (2.0 s) must not be below least_backoff (3.0 s)",
        ),
    ],
)
def test_values_must_fit_each_other(overrides: Sequence[str], problem: str) -> None:
    (found,) = refusal(overrides=overrides)
    assert problem in found


def test_values_from_several_places_are_judged_together(yaml_file: WriteYaml) -> None:
    file = yaml_file("identify: {most_looks: 1}")
    settings = load_settings(file, {}, ["identify.least_looks=1"])
    assert (settings.identify.least_looks, settings.identify.most_looks) == (1, 1)


# The environment belongs to others too


@pytest.mark.parametrize(
    "name",
    [
        "FACEAPI_TEST_DATA",
        "MODEL_FOO_SERVICE_HOST",
        "MODEL_PORT_8080_TCP_ADDR",
        "MILVUS_PORT",
        "MILVUS_SERVICE_HOST",
        "MODEL",
        "LOG_FILE",
        "PATH",
        "M_PATH",
    ],
)
def test_a_foreign_variable_passes(name: str) -> None:
    assert load_settings(None, {name: "tcp://10.0.0.1:19530"}) == Settings()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("MODEL_TRESHOLD", "MODEL_THRESHOLD"),
        ("MILVUS_DB_NAME", "MILVUS_DB_DB_NAME"),
        ("LOG_LEVELS", "LOG_LEVEL"),
        ("DETECT_MAXSIDE", "DETECT_MAX_SIDE"),
    ],
)
def test_a_misspelled_variable_is_refused(name: str, meant: str) -> None:
    (problem,) = refusal(environ={name: "hunter2"})
    assert f"environment variable {name}: is no setting; did you mean {meant}?" in problem
    assert "hunter2" not in problem


def test_a_misspelled_variable_that_is_empty_passes() -> None:
    assert load_settings(None, {"MODEL_TRESHOLD": ""}) == Settings()


# Secrets


@pytest.mark.parametrize(
    "text",
    [
        "milvus: {db_password: [hunter2]}",
        "milvus: {db_pasword: hunter2}",
        "milvus: {db_host: {db_password: hunter2}}",
        "milvus: {db_password: @hunter2}",
        "milvus:\n  db_password: 'hunter2",
        "model: {mirror: 'https://me:hunter2@mirror.example'}",
    ],
)
def test_a_refusal_shows_no_secret_of_a_file(text: str, yaml_file: WriteYaml) -> None:
    with pytest.raises(Misconfigured) as refused:
        load_settings(yaml_file(text), {})
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None
    assert "hunter2" not in str(refused.value)


def test_a_refusal_shows_no_secret_of_the_command_line() -> None:
    problems = refusal(overrides=["milvus.db_pasword=hunter2", "milvus.db_password:hunter2"])
    assert len(problems) == 2
    assert "hunter2" not in "\n".join(problems)


def test_settings_show_no_password() -> None:
    settings = load_settings(None, {"MILVUS_DB_PASSWORD": "hunter2"})
    assert settings.milvus.db_password is not None
    assert settings.milvus.db_password.get_secret_value() == "hunter2"
    assert "hunter2" not in f"{settings} {settings!r} {settings.model_dump_json()}"


# Folders


def test_root_keeps_its_files_where_the_machine_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    folders = FaceapiSettings()
    assert folders.data_dir == Path("/var/lib/faceapi")
    assert folders.cache_dir == Path("/var/cache/faceapi")


def test_a_user_keeps_files_in_folders_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", "/home/ann/data")
    monkeypatch.setenv("XDG_CACHE_HOME", "/home/ann/cache")
    folders = FaceapiSettings()
    assert folders.data_dir == platformdirs.user_data_path("faceapi")
    assert folders.data_dir == Path("/home/ann/data/faceapi")
    assert folders.cache_dir == Path("/home/ann/cache/faceapi")


# Names that are fixed

FIXED = {
    "MILVUS_DB_HOST": "db",
    "MILVUS_DB_PORT": "1",
    "MILVUS_DB_USER": "u",
    "MILVUS_DB_PASSWORD": "p",
    "MILVUS_DB_DB_NAME": "d",
    "SQL_BACKEND": "asyncpg",
    "SQL_HOST": "db",
    "SQL_PORT": "1",
    "SQL_USERNAME": "u",
    "SQL_PASSWORD": "p",
    "SQL_DATABASE": "d",
    "MODEL_PACK": "p",
    "MODEL_PATH": "/x.onnx",
    "MODEL_LOADER": "onnx",
    "MODEL_THRESHOLD": "0.5",
    "MODEL_DEVICE": "cuda:1",
    "MODEL_EMB_DIM": "512",
    "API_V1_STR": "/v2",
    "PROJECT_NAME": "FaceAPI (dev)",
    "JWT_SECRET_KEY": "k",
    "JWT_ALGORITHM": "HS512",
    "ACCESS_TOKEN_EXPIRE_MINUTES": "5",
    "PASSWORD_HASH_ALGORITHM": "sha256_crypt",
    "ALLOW_FACE_DEDUPLICATION": "true",
    "BACKEND_HOST": "192.0.2.7",
    "BACKEND_PORT": "1",
    "LOG_LEVEL": "DEBUG",
    "FACEAPI_DATA_DIR": "/x",
}


@pytest.mark.parametrize("name", FIXED)
def test_a_fixed_name_is_a_setting(name: str) -> None:
    assert load_settings(None, {name: FIXED[name]}) != load_settings(None, {}) or name in {
        "SQL_BACKEND",
        "MODEL_LOADER",
    }


@pytest.mark.parametrize(
    ("environ", "allowed"),
    [
        ({}, False),
        ({"ALLOW_FACE_DEDUPLICATION": "true"}, True),
        ({"ALLOW_FACE_DEDUPICATION": "true"}, True),
        ({"ALLOW_FACE_DEDUPICATION": "false", "ALLOW_FACE_DEDUPLICATION": "true"}, False),
    ],
)
def test_the_older_spelling_of_deduplication_counts(
    environ: Mapping[str, str], allowed: bool
) -> None:
    assert load_settings(None, environ).allow.duplicates is allowed


def test_other_origins_are_listed() -> None:
    settings = load_settings(None, {"BACKEND_ORIGINS": "http://a:3000/, https://b"})
    assert settings.backend.foreign_origins == ["http://a:3000", "https://b"]
