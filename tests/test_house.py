"""The house's rules that no linter knows: short functions, declared packages, clean locks."""

import ast
import re
import statistics
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
ROOMS = ("pipeline", "ingest", "api")
LONGEST, MEDIAN = 50, 10
"""Lines of a function without its docstring: at most, and below this at the median."""
LOCKS: Mapping[str, Sequence[str]] = {
    "requirements-cpu.txt": ["cpu"],
    "requirements-gpu.txt": ["gpu"],
    "requirements-dev.txt": ["cpu", "plots", "demo", "dev"],
    "requirements-dev-gpu.txt": ["gpu", "plots", "demo", "dev"],
}
"""The extras that each lock holds."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources() -> Sequence[Path]:
    files = sorted(file for room in ROOMS for file in (ROOT / room).rglob("*.py"))
    assert len(files) > 40
    return files


def trees() -> Mapping[str, ast.Module]:
    return {str(file.relative_to(ROOT)): ast.parse(file.read_text("utf-8")) for file in sources()}


def docstring_lines(function: Function) -> int:
    first = function.body[0]
    if ast.get_docstring(function) is None or first.end_lineno is None:
        return 0
    return first.end_lineno - first.lineno + 1


def function_lengths() -> Mapping[str, int]:
    """Lines of every function, decorators and docstrings left out."""
    return {
        f"{name}:{node.lineno} {node.name}": (node.end_lineno or node.lineno)
        - node.lineno
        + 1
        - docstring_lines(node)
        for name, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, Function)
    }


def imported(tree: ast.Module) -> Iterator[str]:
    """Top names of the packages that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def project() -> Mapping[str, object]:
    loaded: Mapping[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return loaded


def asked_for(*extras: str) -> Sequence[Requirement]:
    """What pyproject.toml asks for, with these extras."""
    table = project()
    needed, optional = table["dependencies"], table["optional-dependencies"]
    assert isinstance(needed, list)
    assert isinstance(optional, dict)
    more = [text for extra in extras for text in optional[extra]]
    return [Requirement(text) for text in [*needed, *more]]


def pinned(lock: str) -> Sequence[tuple[Requirement, Sequence[str]]]:
    """Every package of a lock with its hashes."""
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    lines = [line.split(" --hash=") for line in text.splitlines() if line.strip()]
    assert lines
    return [(Requirement(line[0]), [part.strip() for part in line[1:]]) for line in lines]


def test_no_function_is_long() -> None:
    lengths = function_lengths()
    assert len(lengths) > 150
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


def test_most_functions_are_short() -> None:
    assert statistics.median(function_lengths().values()) < MEDIAN


def test_every_folder_of_the_rooms_is_a_package() -> None:
    """Else import-linter does not see it, and nothing it does is forbidden."""
    folders = {file.parent for file in sources()}
    assert len(folders) >= len(ROOMS)
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_whatever_is_imported_is_declared() -> None:
    """Another package may bring it today and not tomorrow."""
    declared = {canonicalize_name(needed.name) for needed in asked_for("cpu", "gpu", "plots")}
    brought_by, undeclared, seen = packages_distributions(), set(), 0
    for name, tree in trees().items():
        for package in set(imported(tree)) - sys.stdlib_module_names - set(ROOMS):
            seen += 1
            bringing = {canonicalize_name(found) for found in brought_by.get(package, [package])}
            if not bringing & declared:
                undeclared.add(f"{name}: {package}")
    assert seen > 20
    assert undeclared == set()


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_tells_packages_and_hashes_and_nothing_else(lock: str) -> None:
    """No address, no path, no comment: it is good on every machine."""
    line = re.compile(
        r"[a-z0-9][a-z0-9._-]*==[0-9a-z.+!-]+( ; [a-z_]+ [<>=!]+ '[A-Za-z0-9.]+')? \\"
        r"|    --hash=sha256:[0-9a-f]{64}( \\)?"
    )
    lines = (ROOT / lock).read_text().splitlines()
    assert len(lines) > 500
    assert [text for text in lines if not line.fullmatch(text)] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_everything_in_a_lock_is_pinned_and_hashed(lock: str) -> None:
    packages = pinned(lock)
    loose = [package.name for package, hashes in packages if not hashes]
    assert loose == []
    assert {spec.operator for package, _ in packages for spec in package.specifier} == {"=="}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_what_the_project_asks_for(lock: str) -> None:
    """If not: make lock."""
    versions: dict[str, list[str]] = {}
    for package, _ in pinned(lock):
        (spec,) = package.specifier
        versions.setdefault(canonicalize_name(package.name), []).append(spec.version)
    missing = [
        str(asked)
        for asked in asked_for(*LOCKS[lock])
        if not all(map(asked.specifier.contains, versions.get(canonicalize_name(asked.name), [""])))
    ]
    assert missing == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_onnxruntime_for_one_device_only(lock: str) -> None:
    names = {package.name for package, _ in pinned(lock)}
    other, own = ("onnxruntime", "onnxruntime-gpu")[:: 1 if "gpu" in lock else -1]
    assert own in names
    assert other not in names
    assert ("nvidia-cudnn-cu13" in names) == ("gpu" in lock)


def test_what_builds_the_images_is_what_was_tested() -> None:
    build = {(str(package), tuple(hashes)) for package, hashes in pinned("requirements-build.txt")}
    assert {package.partition("==")[0] for package, _ in build} >= {"hatchling"}
    tested = {(str(package), tuple(hashes)) for package, hashes in pinned("requirements-dev.txt")}
    assert build <= tested
