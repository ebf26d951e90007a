"""The evidence for the facts about a machine: collecting it, and picking what is always shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from ..models import Machine, Notice

T = TypeVar("T")

#: Evidence that is shown beside every choice, because it decides or limits the choice.
TOLD = frozenset(
    (
        *("cuda_unusable", "arch_unusable", "gpus_hidden", "gpu_left_out", "gpu_lowest"),
        *("driver_hangs", "jetson", "rosetta"),
        *("record_broken", "pins_unreadable", "pin_unreadable"),
    )
)
#: Evidence for why there is no CUDA although something hints at a GPU, from causes to symptoms;
#: only the first group with a match is shown.
REASONS = (
    frozenset(
        ("driver_without_gpu", "container_without_driver", "gpu_without_driver", "gpu_denied")
    ),
    frozenset(
        (
            *("driver_error", "driver_mismatch"),
            *("uvm_missing", "memory_limited", "driver_shadowed"),
        )
    ),
    frozenset(("driver_library_missing", "smi_hangs")),
)

#: Codes of remarks on a machine whose facts were read from a file: which file it was, and which
#: option of the command line, or Python of the environment here, overrides it.
DESCRIBED, TYPED, KEPT = "machine.described", "machine.typed", "machine.python_kept"


def guarded(what: str, read: Callable[[], T], default: T, evidence: list[Notice]) -> T:
    """Return what `read` returns, or `default` if it raises; `what` names the fact in the evidence
    that is added then."""
    try:
        return read()
    except Exception as error:
        evidence.append(
            Notice("fact_unknown", {"fact": what, "error": f"{type(error).__name__}: {error}"})
        )
        return default


def with_remarks(machine: Machine, evidence: Sequence[Notice]) -> Machine:
    """Return the machine with the evidence that is shown beside a choice for it."""
    codes = TOLD
    if machine.cuda is None:
        there = {notice.code for notice in evidence}
        codes |= next((reasons for reasons in REASONS if reasons & there), frozenset())
    elif machine.cuda_from == "libcuda":
        codes |= {"arch_unknown"}
    return machine._replace(remarks=tuple(_named(evidence, codes)))


def _named(evidence: Sequence[Notice], codes: frozenset[str]) -> Iterator[Notice]:
    for position, notice in enumerate(evidence):
        if notice.code in codes and notice not in evidence[:position]:
            yield notice._replace(code=f"machine.{notice.code}")
