"""The Kubernetes manifest: rights, probes, times, and arguments that npbert takes."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from npbert.cli.commands import make_parser
from npbert.cli.serve import read_settings
from npbert.serve.app import make_app
from npbert.serve.service import Service
from npbert.serve.settings import Settings
from tests.examples import test_container
from tests.support.paths import CHECKOUT

FILE = CHECKOUT / "examples" / "kubernetes" / "npbert.yaml"
DOCUMENTS = {each["kind"]: each for each in yaml.safe_load_all(FILE.read_text("utf-8"))}
POD = DOCUMENTS["Deployment"]["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]


def settings() -> Settings:
    """What the arguments ask for, behind those of the image's entrypoint."""
    _, *entrypoint = json.loads(test_container.of("ENTRYPOINT")[-1])
    return read_settings(make_parser().parse_args([*entrypoint, *CONTAINER["args"]]))


def test_npbert_takes_the_arguments() -> None:
    asked = settings()
    (port,) = CONTAINER["ports"]
    assert (asked.port, asked.host) == (port["containerPort"], "0.0.0.0")
    assert asked.model == "/model"


def test_there_is_time_to_end() -> None:
    waits = CONTAINER["lifecycle"]["preStop"]["sleep"]["seconds"]
    ends = settings().limits.shutdown_timeout
    assert waits + ends < POD["terminationGracePeriodSeconds"] <= waits + ends + 10


def test_it_has_few_rights() -> None:
    assert POD["automountServiceAccountToken"] is False
    assert POD["securityContext"]["runAsNonRoot"] is True
    user = f"{POD['securityContext']['runAsUser']}:{POD['securityContext']['runAsGroup']}"
    assert user == test_container.of("USER")[-1]
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe", "livenessProbe"])
def test_the_paths_of_the_probes_exist(probe: str) -> None:
    app = make_app(Service(Settings(model="mini")))
    paths = {getattr(route, "path", None) for route in app.routes}
    asked = CONTAINER[probe]["httpGet"]
    assert asked["path"] in paths
    assert asked["port"] == CONTAINER["ports"][0]["name"]


def test_a_slow_start_or_a_busy_minute_kills_nothing() -> None:
    def seconds(probe: dict[str, Any]) -> int:
        return int(probe["periodSeconds"] * probe["failureThreshold"])

    assert seconds(CONTAINER["startupProbe"]) >= 60
    assert seconds(CONTAINER["livenessProbe"]) >= 60
    assert seconds(CONTAINER["readinessProbe"]) <= 5


def test_the_service_finds_the_pods() -> None:
    labels = DOCUMENTS["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert DOCUMENTS["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert DOCUMENTS["Service"]["spec"]["selector"] == labels
    assert DOCUMENTS["Service"]["spec"]["ports"][0]["targetPort"] == CONTAINER["ports"][0]["name"]


def test_resources_are_limited() -> None:
    """The processors of the request are those of the limit, so npbert knows how many it has."""
    resources = CONTAINER["resources"]
    assert resources["requests"]["cpu"] == resources["limits"]["cpu"]
    assert re.fullmatch(r"\d+", resources["limits"]["cpu"])
    assert resources["limits"]["memory"] == "1Gi"
