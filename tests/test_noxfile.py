"""The commands that try npbert elsewhere: with old versions, other Pythons and other systems."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import Requirement

CHECKOUT = Path(__file__).parents[1]
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RUN = (CHECKOUT / ".ci" / "run").read_text(encoding="utf-8")
WORKFLOW = yaml.safe_load(
    (CHECKOUT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
)
PYTHONS = [
    found[1]
    for line in PROJECT["classifiers"]
    if (found := re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", line))
]


def constant(name: str) -> Any:
    """Return the value of a constant of noxfile.py; nox itself need not be installed."""
    tree = ast.parse((CHECKOUT / "noxfile.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == name:
            assert node.value is not None
            return ast.literal_eval(node.value)
    raise AssertionError(f"noxfile.py has no constant {name}")


def has_lower_bound(requirement: str) -> bool:
    return any(bound.operator == ">=" for bound in Requirement(requirement).specifier)


def test_every_lower_bound_is_tried() -> None:
    tried = {extra for extras in constant("OLDEST") for extra in extras.split()}
    asked = {
        extra
        for extra, requirements in PROJECT["optional-dependencies"].items()
        if any(map(has_lower_bound, requirements))
    }
    assert asked - {"dev", "fuzz"} == tried  # tools of those who change npbert, such as nox itself


def test_the_packages_that_users_need_have_lower_bounds() -> None:
    for extra in ("files", "ray", "spark", "serve"):
        assert all(map(has_lower_bound, PROJECT["optional-dependencies"][extra]))
    assert all(map(has_lower_bound, PROJECT["dependencies"]))


def test_continuous_integration_runs_the_command() -> None:
    (command,) = re.findall(r"^PATH=\S+ nox --envdir \S+ -s (.+)$", RUN, re.MULTILINE)
    assert command == '"oldest(files-serve)" "oldest(ray-spark)"'


def steps_of(job: str) -> list[str]:
    return [step["run"] for step in WORKFLOW["jobs"][job]["steps"] if "run" in step]


def test_the_hosted_runners_run_what_continuous_integration_runs() -> None:
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    setup = readme.partition("```sh\n")[2].partition("```")[0].splitlines()
    assert steps_of("platforms") == setup
    assert all(f'"${{setup[{number}]}}"' in RUN for number in range(len(setup)))
    assert steps_of("everything") == ["sudo --preserve-env=PATH .ci/run"]


def test_the_hosted_runners_have_every_python_and_system() -> None:
    matrix = WORKFLOW["jobs"]["platforms"]["strategy"]["matrix"]
    assert matrix["python"] == PYTHONS
    assert PROJECT["requires-python"] == f">={PYTHONS[0]}"
    assert {name.partition("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}
    assert any(name.endswith("-arm") for name in matrix["os"])
