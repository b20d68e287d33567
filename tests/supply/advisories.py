"""Fails if a pinned package has a known advisory, or was not asked about: ``python -m tests.supply.advisories``."""

import json
import subprocess
import sys
from collections.abc import Collection
from typing import Any

from packaging.utils import canonicalize_name

from tests.supply.pins import ROOT, pins

AUDIT = [".venv/bin/uv", "tool", "run", "pip-audit", "--disable-pip", "--no-deps"]
AS_JSON = ["--progress-spinner=off", "-f", "json"]


def problems(report: dict[str, Any], pinned: Collection[str]) -> list[str]:
    """What a report of pip-audit says against the packages ``pinned``, one line each."""
    lines, asked = [], set()
    for package in report["dependencies"]:
        if "skip_reason" in package:
            lines.append(f"{package['name']} was skipped: {package['skip_reason']}")
            continue
        asked.add(canonicalize_name(package["name"]))
        lines += [f"{package['name']} {package['version']}: {found['id']}" for found in package["vulns"]]
    return lines + [f"{name} was not looked up" for name in sorted(set(pinned) - asked) if not _skipped(name, report)]


def _skipped(name: str, report: dict[str, Any]) -> bool:
    return any(canonicalize_name(one["name"]) == name and "skip_reason" in one for one in report["dependencies"])


def main(names: list[str]) -> int:
    options = [option for name in names for option in ("-r", name)]
    ran = subprocess.run([*AUDIT, *AS_JSON, *options], cwd=ROOT, capture_output=True, text=True, check=False)
    try:
        report = json.loads(ran.stdout)
    except json.JSONDecodeError:
        print(f"The advisories could not be asked for:\n{ran.stderr.strip()}", file=sys.stderr)
        return 1
    pinned = {pin.name for pin in pins(names) if pin.wanted}
    found = problems(report, pinned)
    print("\n".join(found) or f"{len(pinned)} packages were looked up: no known advisory.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
