"""What the verbs say is shown as it is, whatever it contains."""

from __future__ import annotations

import pytest

from gtn_nas.cli.output import count, fail, help_of


@pytest.mark.parametrize("sentence", ["no file a[b].npz.", "no file [/bold].", "value [red]x[/] is refused."])
def test_a_sentence_is_shown_literally(capsys: pytest.CaptureFixture[str], sentence: str) -> None:
    fail(sentence)
    said = capsys.readouterr()
    assert said.err == f"error: {sentence}\n"
    assert said.out == ""


def test_one_thing_is_not_several() -> None:
    assert [count(number, "step") for number in (0, 1, 2)] == ["0 steps", "1 step", "2 steps"]
    assert [count(number, "is", "are") for number in (1, 2)] == ["1 is", "2 are"]


def test_paragraphs_of_help_are_unwrapped() -> None:
    def verb() -> None:
        """Do it.

        At once, and
        --here.

        Or not.
        """

    assert help_of(verb) == "Do it.\n\nAt once, and --here.\n\nOr not."
    assert help_of(lambda: None) == ""
