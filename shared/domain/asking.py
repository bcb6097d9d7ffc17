"""Questions are collected here while a sample is looked at; answers are given back where there are any."""

from collections.abc import Iterable, Sequence

from shared.domain.failures import InvalidRequest
from shared.domain.findings import Answer, Certainty, Choice, Found, Question, QuestionCode, Remark, Value

ANSWERED = "A person has said so."
MAX_QUESTIONS = 200
"""More are of no use to anyone: a file that raises them is not what it was taken for."""


class Asking:
    """The questions about one sample."""

    def __init__(self, answers: Iterable[Answer] = ()) -> None:
        self._answers = {(answer.code, answer.pointer): answer for answer in answers}
        self._used: set[tuple[QuestionCode, str]] = set()
        self.questions: list[Question] = []
        self.remarks: list[Remark] = []

    def ask(
        self,
        code: QuestionCode,
        pointer: str,
        text: str,
        choices: Sequence[Choice],
        *,
        why: Sequence[str] = (),
        is_free: bool = False,
    ) -> Found[Value]:
        """What was answered; else the first choice, provisionally.

        Raises InvalidRequest for a value that is no choice.
        """
        answer = self._answers.get((code, pointer))
        if answer is None:
            if len(self.questions) < MAX_QUESTIONS:
                question = Question(code=code, pointer=pointer, text=text, choices=tuple(choices), is_free=is_free)
                self.questions.append(question)
            return Found(value=choices[0].value, certainty=Certainty.OPEN, why=tuple(why))
        self._used.add((code, pointer))
        if not is_free and not any(_same(choice.value, answer.value) for choice in choices):
            raise InvalidRequest(
                f"Found an answer to {code.value} at {pointer} that is none of its {len(choices)} choices."
            )
        return Found(value=answer.value, certainty=Certainty.ANSWERED, why=(ANSWERED,))

    def remark(self, code: str, text: str, pointer: str = "") -> None:
        """Note what needs no answer."""
        self.remarks.append(Remark(code=code, text=text, pointer=pointer))

    @property
    def unused(self) -> tuple[Answer, ...]:
        """Answers to what was not asked."""
        return tuple(answer for key, answer in self._answers.items() if key not in self._used)


def _same(one: Value, other: Value) -> bool:
    # True is 1 in Python, and yes is no number here.
    return type(one) is type(other) and one == other
