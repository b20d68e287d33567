"""`python -m tests.hazard_log` prints docs/safety.md: what docs/hazards.toml says and the tests prove."""

import ast
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
SOURCE: Final = ROOT / "docs" / "hazards.toml"
LOG: Final = ROOT / "docs" / "safety.md"
MARK: Final = "pytest.mark.control"
HEAD: Final = """# Hazards, and what is done about each

**DermTriage is not a medical device, and no conformity with any standard is claimed.** It has not been validated in a
clinic.

This is a working list for those who build it and for those who would assess it. Severity and probability are not
estimated: that takes clinicians and figures from the field. Every control names the tests that fail without it.

`make safety` writes this page from `docs/hazards.toml` and from the marks on the tests; a test keeps it current.
"""


def hazards() -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = tomllib.loads(SOURCE.read_text(encoding="utf-8"))["hazard"]
    return found


def proofs(folder: Path = ROOT / "tests") -> Mapping[str, Sequence[str]]:
    """The tests of each control, as "file::test"."""
    found: dict[str, list[str]] = defaultdict(list)
    for file in sorted(folder.rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                for control in _marks(node):
                    found[control].append(f"{file.relative_to(folder.parent).as_posix()}::{node.name}")
    return found


def _marks(node: ast.FunctionDef) -> Iterator[str]:
    for call in node.decorator_list:
        if isinstance(call, ast.Call) and ast.unparse(call.func) == MARK:
            yield from (ast.literal_eval(argument) for argument in call.args)


def page(found: Sequence[Mapping[str, Any]], tests: Mapping[str, Sequence[str]]) -> str:
    return "\n".join([HEAD, *("\n".join(_lines(hazard, tests)) for hazard in found)])


def _lines(hazard: Mapping[str, Any], tests: Mapping[str, Sequence[str]]) -> Iterator[str]:
    yield f"## {hazard['id']}: {hazard['hazard']}"
    yield f"\n- **Cause:** {hazard['cause']}"
    yield f"- **What remains:** {hazard['residual']}\n"
    yield "| | Control | Tests |"
    yield "| --- | --- | --- |"
    for control, words in hazard["controls"].items():
        yield f"| {control} | {words} | {'<br>'.join(f'`{test}`' for test in tests.get(control, []))} |"
    yield ""


if __name__ == "__main__":
    print(page(hazards(), proofs()), end="")
