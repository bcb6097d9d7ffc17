"""Look at a sample, in a process of its own (`apart.py`): the order is where it lies and what is known, in JSON."""

from pathlib import Path

from shared.domain.failures import InvalidRequest
from shared.domain.findings import Answer, Findings
from shared.domain.model import Model
from shared.domain.property import Property
from shared.runtime.apart import serve
from shared.runtime.samples import find

MODULE = "shared.runtime.sample_process"
MAX_SHOWN_CHARACTERS = 1_000
"""Of a value in a sample row; what is longer is cut, and ends with an ellipsis."""


class SampleOrder(Model):
    """What `samples.find` is to be told."""

    file: Path
    name: str
    properties: tuple[Property, ...]
    answers: tuple[Answer, ...]
    passwords: tuple[str, ...]
    opened: tuple[str, ...]
    max_bytes: int
    workspace: Path


class SampleAnswer(Model):
    """What came of it; `refused` says which answer is none."""

    findings: Findings | None = None
    refused: str = ""


def carry_out(order: bytes) -> bytes:
    """Findings for an order."""
    asked = SampleOrder.model_validate_json(order)
    try:
        findings = find(
            asked.file,
            asked.properties,
            asked.answers,
            name=asked.name,
            passwords=asked.passwords,
            opened=asked.opened,
            max_bytes=asked.max_bytes,
            workspace=asked.workspace,
        )
    except InvalidRequest as failure:
        return SampleAnswer(refused=failure.detail).model_dump_json().encode()
    rows = tuple(tuple(map(_shown, row)) for row in findings.sample_rows)
    return SampleAnswer(findings=findings.model_copy(update={"sample_rows": rows})).model_dump_json().encode()


def _shown(value: str) -> str:
    return value if len(value) <= MAX_SHOWN_CHARACTERS else value[: MAX_SHOWN_CHARACTERS - 1] + "…"


if __name__ == "__main__":
    serve(carry_out)
