"""The rules of the house (CONTRIBUTING.md), as far as a test can hold them. A failure lists files and lines."""

import ast
import functools
import importlib
import inspect
import io
import json
import re
import subprocess
import sys
import tokenize
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("dsflow", "dsarray", "estimators")
"""From the bottom up."""

OURS = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
ALL = OURS + sorted(path for folder in ("tests", "examples", "benchmarks") for path in (ROOT / folder).rglob("*.py"))

MAX_LINES = 400
LINES_PER_SUPPRESSION = 500
IMPORT_SECONDS = 5.0
"""Ten times what the law allows, so that a busy machine is no failure."""

FORBIDDEN_STEMS = {"utils", "helpers", "common", "misc", "base"}
OTHER_CONFIG = {
    *(".coveragerc", ".flake8", ".importlinter", ".pylintrc", ".ruff.toml"),
    *("mypy.ini", "pytest.ini", "ruff.toml", "setup.cfg", "setup.py", "tox.ini"),
}

_DASK = (
    *("dsflow/engines/_adoption.py", "dsflow/engines/dask/", "dsflow/clusters/", "dsflow/functions/"),
    "dsarray/_interop.py",
)
DOORS = {
    "boto3": _DASK,
    "click": ("dsflow/cli/", "estimators/demo.py"),
    "cloudpickle": ("dsflow/_freeze.py", "dsflow/_failure.py", "dsflow/_children.py", "dsflow/engines/dask/"),
    "cryptography": (),
    "cupy": ("dsarray/_namespace.py",),
    "dask": _DASK,
    "distributed": _DASK,
    "fsspec": ("dsarray/io/_paths.py",),
    "h5py": ("dsarray/io/hdf5.py",),
    "igraph": ("dsflow/observe/picture.py",),
    "joblib": ("dsflow/_joblib.py",),
    "kubernetes": _DASK,
    "matplotlib": ("estimators/demo.py",),
    "numpy": ("dsarray/", "estimators/"),
    "pandas": ("dsarray/io/dataframe.py",),
    "polars": (),
    "psutil": (),
    "pyarrow": ("dsarray/io/parquet.py",),
    "rich": ("dsflow/observe/progress.py",),
    "scipy": ("dsarray/", "estimators/"),
    "sklearn": ("estimators/", "dsarray/io/svmlight.py"),
    "tblib": ("dsflow/_failure.py",),
    "threadpoolctl": ("dsflow/engines/threads.py", "dsflow/engines/dask/_worker.py"),
    "zarr": ("dsarray/io/zarr.py",),
}
"""Where a package may be imported, at the top of a file or in a function; () is nowhere yet."""

PUBLIC = ("dsflow", "dsflow.observe", "dsflow.testing", "dsarray")
"""Modules whose ``__all__`` is for the packages above."""

ROOMS = ("dsflow/compat/", "dsflow/continuum/", "dsflow/functions/", "dsarray/", "estimators/")
"""Folders that use of dsflow, and of what else lies below them, only what is public."""


def short(path):
    return path.relative_to(ROOT).as_posix()


def within(path, places):
    return short(path).startswith(tuple(places))


def listed(offences):
    return "\n" + "\n".join(offences)


@functools.cache
def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def nodes(paths, *kinds):
    """Path and node of everything of these kinds."""
    return [(path, node) for path in paths for node in ast.walk(tree(path)) if isinstance(node, kinds)]


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


class Import(NamedTuple):
    path: Path
    line: int
    module: str
    name: str | None
    """What is imported from the module; None for the module itself."""
    alias: str | None
    """What the file calls it."""

    def __str__(self):
        return f"{short(self.path)}:{self.line}: {self.module}{f'.{self.name}' if self.name else ''}"


def imports(paths):
    """Every import, however it is written."""
    for path, node in nodes(paths, ast.Import, ast.ImportFrom, ast.Call):
        if isinstance(node, ast.Import):
            for each in node.names:
                yield Import(path, node.lineno, each.name, None, each.asname or each.name)
        elif isinstance(node, ast.ImportFrom):
            module = ".".join(filter(None, [parent_of(path, node.level), node.module]))
            for each in node.names:
                yield Import(path, node.lineno, module, each.name, each.asname or each.name)
        elif ast.unparse(node.func).endswith(("import_module", "__import__")) and node.args:
            if isinstance(node.args[0], ast.Constant):
                yield Import(path, node.lineno, node.args[0].value, None, None)


def parent_of(path, level):
    """What the dots of a relative import stand for."""
    parts = path.relative_to(ROOT).parts
    return ".".join(parts[:-level]) if level else ""


def comments(path):
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline)
    return [(token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT]


def suppressions(paths):
    """Path, line and text of each comment that silences a check."""
    for path in paths:
        for line, comment in comments(path):
            for match in re.finditer(r"#\s*((ruff|flake8):\s*)?noqa\b|#\s*type:\s*ignore\b", comment):
                yield path, line, comment[match.start() :]


def is_docstring(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


# --- files and names --------------------------------------------------------------------------------------------------


def test_no_file_is_longer_than_400_lines():
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in ALL}
    long = [
        f"{short(path)}:{MAX_LINES + 1}: {n} lines; split it by idea" for path, n in lengths.items() if n > MAX_LINES
    ]
    assert not long, listed(long)


def test_no_file_or_folder_has_a_name_that_says_nothing():
    found = [
        f"{short(path)}:1: name it after its one idea"
        for path in ALL
        if FORBIDDEN_STEMS & {part.strip("_") for part in path.relative_to(ROOT).with_suffix("").parts}
    ]
    assert not found, listed(found)


def test_no_name_ends_in_what_tells_twins_apart():
    names = [(path, 1, path.stem) for path in ALL]
    names += [(p, n.lineno, n.name) for p, n in nodes(ALL, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)]
    found = [f"{short(p)}:{line}: {name}" for p, line, name in names if re.search(r"(_gpu|_cpu|_new|2)$", name)]
    assert not found, listed(found)


def test_pyproject_is_the_only_config_file():
    found = [
        f"{path.name}:1: its content belongs in pyproject.toml" for path in ROOT.iterdir() if path.name in OTHER_CONFIG
    ]
    assert not found, listed(found)


# --- what a package exports -------------------------------------------------------------------------------------------


def test_package_inits_hold_a_docstring_imports_and_all_and_nothing_else():
    def is_all(node):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        return [ast.unparse(target) for target in targets if target] == ["__all__"]

    found = [
        f"{short(path)}:{node.lineno}: {ast.unparse(node).splitlines()[0]}"
        for path in OURS
        if path.name == "__init__.py"
        for i, node in enumerate(tree(path).body)
        if not (isinstance(node, (ast.Import, ast.ImportFrom)) or is_all(node) or (i == 0 and is_docstring(node)))
    ]
    assert not found, listed(found)


def line_of_all(path):
    for node in tree(path).body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and ast.unparse(node).startswith("__all__"):
            return node.lineno
    return None


def as_ruff_sorts(name):
    """CONSTANTS, then Classes, then the rest; numbers inside of names by their value."""
    kind = 0 if len(name) > 1 and name.isupper() else 1 if name[0].isupper() else 2
    return kind, [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def test_names_in_all_exist_once_and_in_order():
    found = []
    for path in OURS:
        line = line_of_all(path)
        if line is None:
            continue
        module = importlib.import_module(module_of(path))
        names = module.__all__
        where = f"{short(path)}:{line}"
        found += [f"{where}: {name} does not exist" for name in names if not hasattr(module, name)]
        found += [f"{where}: {name} is there twice" for name in set(names) if names.count(name) > 1]
        if names != sorted(names, key=as_ruff_sorts):
            found.append(f"{where}: not in order; `ruff check --fix --select RUF022` sorts it")
    assert not found, listed(found)


def test_packages_export_what_their_all_says_and_nothing_else():
    found = []
    for path in OURS:
        if path.name != "__init__.py":
            continue
        package = importlib.import_module(module_of(path))
        public = {name for name, value in vars(package).items() if name[0] != "_" and not inspect.ismodule(value)}
        extra = public - set(getattr(package, "__all__", ()))
        found += [f"{short(path)}:{line_of_all(path) or 1}: {name} is not in __all__" for name in sorted(extra)]
    assert not found, listed(found)


# --- what code does not do --------------------------------------------------------------------------------------------


def test_packages_do_not_print():
    calls = [(path, node) for path, node in nodes(OURS, ast.Call) if ast.unparse(node.func) == "print"]
    found = [f"{short(path)}:{node.lineno}: {ast.unparse(node)}" for path, node in calls]
    assert not found, listed(found)


def test_no_exception_is_swallowed_whole():
    broad = ("Exception", "BaseException")
    found = []
    for path, node in nodes(OURS, ast.ExceptHandler):
        names = (
            {ast.unparse(each) for each in ast.walk(node.type) if isinstance(each, ast.Name)} if node.type else set()
        )
        idle = all(isinstance(each, (ast.Pass, ast.Continue)) or ast.unparse(each) == "..." for each in node.body)
        if node.type is None or (idle and names & set(broad)):
            found.append(f"{short(path)}:{node.lineno}: name the exceptions that are expected here")
    for path, node in nodes(OURS, ast.Call):
        if ast.unparse(node.func).endswith("suppress") and {ast.unparse(each) for each in node.args} & set(broad):
            found.append(f"{short(path)}:{node.lineno}: {ast.unparse(node)}")
    assert not found, listed(found)


def test_only_the_session_reads_the_environment():
    reads = {"environ", "environb", "getenv", "getenvb", "putenv"}
    others = [path for path in OURS if short(path) != "dsflow/_session.py"]
    found = [
        f"{short(path)}:{node.lineno}: {ast.unparse(node)}"
        for path, node in nodes(others, ast.Attribute)
        if node.attr in reads and ast.unparse(node.value) == "os"
    ]
    found += [str(each) for each in imports(others) if each.module == "os" and each.name in reads]
    assert not found, listed(found)


def test_estimators_only_assign_in_init():
    found = []
    for path, node in nodes([path for path in OURS if within(path, ["estimators/"])], ast.ClassDef):
        if "BaseEstimator" not in map(ast.unparse, node.bases):
            continue
        for method in node.body:
            if isinstance(method, ast.FunctionDef) and method.name == "__init__":
                parameters = [*method.args.args, *method.args.kwonlyargs]
                good = {f"self.{each.arg} = {each.arg}" for each in parameters}
                bad = [each for each in method.body if ast.unparse(each) not in good]
                found += [f"{short(path)}:{each.lineno}: {ast.unparse(each)}" for each in bad]
    assert not found, listed(found)


# --- suppressions -----------------------------------------------------------------------------------------------------


def test_every_suppression_names_its_code_and_its_reason():
    good = re.compile(
        r"# ((ruff|flake8): )?noqa: [A-Z]+\d+(, [A-Z]+\d+)* - \S.*"
        r"|# type: ignore\[[a-z-]+(, ?[a-z-]+)*\]  # \S.*"
    )
    found = [
        f"{short(path)}:{line}: {text}; write `# noqa: CODE - reason` or `# type: ignore[code]  # reason`"
        for path, line, text in suppressions(ALL)
        if not good.fullmatch(text)
    ]
    assert not found, listed(found)


def test_suppressions_are_few():
    n_lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in OURS)
    found = [f"{short(path)}:{line}: {text}" for path, line, text in suppressions(OURS)]
    most = round(n_lines / LINES_PER_SUPPRESSION)
    assert len(found) <= most, f"{len(found)} for {n_lines} lines, at most {most}; or change the rule" + listed(found)


# --- who imports what -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("package", DOORS)
def test_a_package_is_imported_at_its_doors_only(package):
    found = [
        f"{each}; its doors: {', '.join(DOORS[package]) or 'none yet'}"
        for each in imports(OURS)
        if each.module.partition(".")[0] == package and not within(each.path, DOORS[package])
    ]
    assert not found, listed(found)


def test_imports_go_down_only():
    def above(path):
        return PACKAGES[PACKAGES.index(path.relative_to(ROOT).parts[0]) + 1 :]

    found = [str(each) for each in imports(OURS) if each.module.partition(".")[0] in above(each.path)]
    assert not found, listed(found)


def is_public(module, name):
    return f"{module}.{name}" in PUBLIC or name in importlib.import_module(module).__all__


def from_outside(room):
    """Imports of what lies below, in the files of a room."""
    own = room.replace("/", ".")
    for each in imports([path for path in OURS if within(path, [room])]):
        if each.module.partition(".")[0] in PACKAGES and not f"{each.module}.".startswith(own):
            yield each


def test_the_packages_below_are_used_by_their_public_names_only():
    found = []
    for each in (each for room in ROOMS for each in from_outside(room)):
        if each.module not in PUBLIC or (each.name is not None and not is_public(each.module, each.name)):
            found.append(str(each))
        module = f"{each.module}.{each.name}" if each.name else each.module
        if module in PUBLIC:
            found += [
                f"{short(each.path)}:{node.lineno}: {ast.unparse(node)}"
                for _, node in nodes([each.path], ast.Attribute)
                if ast.unparse(node.value) == each.alias and not is_public(module, node.attr)
            ]
    assert not found, listed(found)


# --- importing dsflow -------------------------------------------------------------------------------------------------


PROBE = """
import json, os, sys, threading, time
start = time.perf_counter()
import dsflow
seconds = time.perf_counter() - start
n_threads = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else threading.active_count()
print(json.dumps({"seconds": seconds, "threads": n_threads, "modules": sorted(sys.modules)}))
"""


def test_importing_dsflow_is_quick_and_starts_nothing():
    done = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60
    )
    seen = json.loads(done.stdout)
    heavy = {"dask", "distributed", "numpy", "rich", "scipy", "sklearn"} & set(seen["modules"])
    assert not heavy, f"dsflow/__init__.py:1: import dsflow imports {', '.join(sorted(heavy))}"
    assert seen["threads"] == 1, "dsflow/__init__.py:1: import dsflow starts a thread"
    assert seen["seconds"] < IMPORT_SECONDS, f"dsflow/__init__.py:1: import dsflow takes {seen['seconds']:.2f} s"
