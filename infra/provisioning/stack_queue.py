"""Works through stacks a few at a time, and tells how far it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from infra.errors import InfraError
from infra.provisioning.stack_program import StackPrograms
from infra.provisioning.stack_result import StackFailure, StackProgress, StackResult, Step

WORKERS = 3  # stacks at a time
T = TypeVar("T")


@dataclass(frozen=True)
class Worked(Generic[T]):
    """What came of each stack, in the order asked for, and why others failed."""

    done: dict[str, T] = field(default_factory=dict)
    failed: list[StackFailure] = field(default_factory=list)


class StackQueue:
    """`listener` hears of it from the calling thread, and of starts and steps from the stacks' threads."""

    def __init__(
        self, programs: StackPrograms, listener: Callable[[StackProgress], None], workers: int
    ) -> None:
        self._programs = programs
        self._listener = listener
        self._workers = workers
        self._done = 0
        self._total = 0

    def each(self, word: str, codes: Sequence[str], act: Callable[[str], T]) -> Worked[T]:
        """`act` on every stack, the ones with servers first; a failure of one does not stop the others.
        `word` says what is done: up, plan.
        """
        self._done, self._total = 0, len(codes)
        results: dict[str, T] = {}
        failures: list[StackFailure] = []
        order = sorted(codes, key=self._programs.weight, reverse=True)
        with ThreadPoolExecutor(self._workers, thread_name_prefix="stack") as pool:
            running = {pool.submit(self._begun, word, code, act): code for code in order}
            for ended in as_completed(running):
                code = running[ended]
                self._done += 1
                try:
                    results[code] = ended.result()
                except InfraError as stopped:
                    failures.append(StackFailure(self._programs.named(code)[1], code, str(stopped)))
                    self._tell(code, word, "failed", str(stopped))
                else:
                    self._ended(code, word, results[code])
        return Worked({code: results[code] for code in codes if code in results}, failures)

    def step(self, code: str, step: Step) -> None:
        """Said when one resource is done."""
        self._tell(code, "", "step", _sentence(step))

    def say(self, sentence: str) -> None:
        """Of no stack in particular."""
        self._listener(StackProgress("", "", "step", sentence, self._done, self._total))

    def _begun(self, word: str, code: str, act: Callable[[str], T]) -> T:
        self._tell(code, word, "started", f"{word} of {self._programs.named(code)[1]}")
        return act(code)

    def _ended(self, code: str, word: str, made: object) -> None:
        result = getattr(made, "result", made)
        if not isinstance(result, StackResult):
            self._tell(code, word, "finished", f"{word} done")
        elif result.skipped:
            self._tell(code, word, "skipped", result.why)
        else:
            self._tell(code, word, "finished", _summary(result))

    def _tell(self, code: str, word: str, kind: Any, sentence: str) -> None:
        stack = self._programs.named(code)[1]
        self._listener(StackProgress(stack, code, kind, sentence, self._done, self._total, word))


def _sentence(step: Step) -> str:
    kind = step.type.rpartition(":")[2]
    return f"{step.op} {kind} {step.name}" + (f", {step.seconds:.1f} s" if step.seconds >= 0.05 else "")


def _summary(result: StackResult) -> str:
    counted = ", ".join(f"{count} {op}" for op, count in sorted(result.changes.items())) or "nothing"
    return f"{counted}, {result.seconds:.1f} s"
