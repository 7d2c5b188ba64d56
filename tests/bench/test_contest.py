"""The order of a contest and what its samples amount to, with methods that answer by script."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence

import pytest

from spectra_local.bench.contest import run_contest
from spectra_local.bench.live import Question
from spectra_local.bench.live_report import live_notes, live_table, report
from spectra_local.bench.plot import bars
from spectra_local.bench.ratios import Difference, Sample, first_difference, mean_interval, ratio, ratio_interval
from spectra_local.bench.workload import Prompt


def sample(method: str, prompt: str = "p", task: str = "t", seconds: float = 1.0, **fields: object) -> Sample:
    known = {"tokens": [1, 2, 3], "n_timed": 10, "steps": 10, **fields}
    return Sample(prompt=prompt, task=task, method=method, seconds=seconds, **known)  # type: ignore[arg-type]


def question(name: str, task: str = "t") -> Question:
    return Question(Prompt(name, task), [1], [], 8)


class Scripted:
    """Methods with a fixed speed that note when they are asked."""

    def __init__(self, **seconds: float) -> None:
        self.names = list(seconds)
        self.log: list[str] = []
        self._seconds = seconds

    def run(self, method: str, question: Question) -> Sample:
        self.log.append(f"{question.prompt.id}:{method}")
        return sample(method, question.prompt.id, question.prompt.task, self._seconds[method])

    def remember(self, samples: Sequence[Sample], question: Question) -> None:
        self.log.append(f"remember {question.prompt.id} of {'+'.join(sorted(s.method for s in samples))}")


def test_every_prompt_is_asked_of_all_methods_in_a_rotating_order() -> None:
    methods = Scripted(plain=1, spectra=1, anpd=1)
    run_contest([methods], [question("a"), question("b")], 1, growing=False)
    assert methods.log[:6] == ["a:plain", "a:spectra", "a:anpd", "b:spectra", "b:anpd", "b:plain"]


def test_methods_remember_after_the_first_pass_or_after_each_prompt() -> None:
    for growing, at in ((False, [4, 5]), (True, [2, 5])):
        methods = Scripted(plain=1, spectra=1)
        passes = run_contest([methods], [question("a"), question("b")], 2, growing=growing)
        remembered = [i for i, entry in enumerate(methods.log) if entry.startswith("remember")]
        assert remembered == at
        assert methods.log[at[0]] == "remember a of plain+spectra"
        assert [len(samples) for samples in passes] == [4, 4]


def test_groups_remember_their_own_methods_only() -> None:
    ours, servers = Scripted(plain=1), Scripted(**{"server none": 1})
    run_contest([ours, servers], [question("a")], 1, growing=False)
    assert ours.log == ["a:plain", "remember a of plain"]
    assert servers.log == ["a:server none", "remember a of server none"]


def test_progress_counts_every_answer() -> None:
    seen: list[tuple[int, int, str, str]] = []
    run_contest(
        [Scripted(plain=1, spectra=1)], [question("a")], 2, growing=False, on_progress=lambda *at: seen.append(at)
    )
    assert [(done, total) for done, total, _, _ in seen] == [(0, 4), (1, 4), (2, 4), (3, 4)]


class Interrupted(Scripted):
    """Ctrl+c while the given answer is awaited."""

    def __init__(self, at: int, **seconds: float) -> None:
        super().__init__(**seconds)
        self._at = at

    def run(self, method: str, question: Question) -> Sample:
        if len([entry for entry in self.log if not entry.startswith("remember")]) == self._at:
            raise KeyboardInterrupt
        return super().run(method, question)


def test_ctrl_c_keeps_what_all_methods_had_answered() -> None:
    questions = [question("a"), question("b"), question("c")]
    for at, kept in ((5, [4]), (6, [6]), (9, [6, 2])):
        passes = run_contest([Interrupted(at, plain=1, spectra=1)], questions, 2, growing=False)
        assert [len(samples) for samples in passes] == kept
        report(passes[-1])


def test_ctrl_c_before_any_prompt_is_answered_is_passed_on() -> None:
    with pytest.raises(KeyboardInterrupt):
        run_contest([Interrupted(1, plain=1, spectra=1)], [question("a")], 1, growing=False)


def test_a_ratio_weighs_prompts_by_their_tokens() -> None:
    long = sample("spectra", seconds=50.0, n_timed=100), sample("plain", seconds=100.0, n_timed=100)
    short = sample("spectra", seconds=1.0, n_timed=1), sample("plain", seconds=1.0, n_timed=1)
    assert ratio([long, short]) == pytest.approx(101 / 51)


def test_an_interval_holds_its_value_and_narrows_where_prompts_agree() -> None:
    def pairs(*speeds: float) -> list[tuple[Sample, Sample]]:
        return [(sample("spectra", seconds=1 / speed), sample("plain")) for speed in speeds]

    scattered, agreed = ratio_interval(pairs(0.5, 1, 2, 4, 1, 2)), ratio_interval(pairs(*[1.5] * 6))
    assert scattered.low < scattered.value < scattered.high
    assert agreed.low == pytest.approx(agreed.high) == pytest.approx(1.5)
    assert ratio_interval(pairs(0.5, 1, 2, 4, 1, 2)) == scattered
    assert mean_interval([pairs(1.0), pairs(3.0, 3.0, 3.0)]).value == pytest.approx(2.0)


def test_a_difference_names_the_place_and_the_margin_of_plain_decoding() -> None:
    plain = sample("plain", tokens=[5, 6, 7], margins=[3.0, 0.01, 2.0])
    assert first_difference(sample("spectra", tokens=[5, 6, 7]), plain) is None
    assert first_difference(sample("spectra", tokens=[5, 9, 7]), plain) == Difference("p", 1, 0.01)
    assert first_difference(sample("spectra", tokens=[5, 6]), plain) == Difference("p", 2, 2.0)
    assert first_difference(sample("spectra", tokens=[5, 9]), sample("plain", tokens=[5, 6])) == Difference(
        "p", 1, None
    )


@pytest.fixture
def results() -> dict[str, object]:
    return report(
        [
            *(sample("plain", p, t, margins=[1.0, 0.5, 0.2]) for p, t in (("a", "chat"), ("b", "edit"))),
            sample("spectra", "a", "chat", 0.8, draft_n=8, draft_n_accepted=4, draft_seconds=[0.001, 0.003]),
            sample("spectra", "b", "edit", 0.5, tokens=[1, 9, 3], steps=5),
            *(sample("server none", p, t, 2.0) for p, t in (("a", "chat"), ("b", "edit"))),
            *(sample("server ngram-mod", p, t, 4.0) for p, t in (("a", "chat"), ("b", "edit"))),
        ]
    )


def test_a_report_compares_each_method_with_its_own_baseline(results: dict[str, dict[str, object]]) -> None:
    spectra, server = results["spectra"], results["server ngram-mod"]
    assert (spectra["baseline"], server["baseline"]) == ("plain", "server none")
    assert spectra["ratio"]["tasks"]["chat"]["value"] == 1.25
    assert spectra["ratio"]["mean"]["value"] == 1.625
    assert server["ratio"]["mean"]["value"] == 0.5
    assert (spectra["draft_n"], spectra["draft_n_accepted"]) == (8, 4)
    assert spectra["tokens_per_step"] == pytest.approx(20 / 15)
    assert spectra["draft_ms"] == {"median": 3.0, "p99": 3.0}
    assert spectra["differences"] == [{"prompt": "b", "position": 1, "margin": 0.5}]


def test_the_table_has_a_column_a_method_and_a_row_a_task(results: dict[str, object]) -> None:
    ratios, counts = live_table([results]).split("\n\n")
    heading, mean, *tasks = ratios.splitlines()
    assert heading.split("  ")[-2:] == ["spectra", "server ngram-mod"]
    assert mean.split() == ["mean", "of", "tasks", "1.62", "0.50"]
    assert [line.split()[0] for line in tasks] == ["chat", "edit"]
    assert counts.splitlines()[0].split("  ")[-1] == "server ngram-mod"
    assert "1 of 2" in counts


def test_the_notes_tell_what_guessing_could_reach_and_that_the_machine_was_unsteady() -> None:
    def run(*speeds: float) -> dict[str, object]:
        return report([sample("plain", f"p{i}", seconds=1 / speed) for i, speed in enumerate(speeds)])

    steady = live_notes([run(1.0, 1.01, 1.02, 1.0)], (1.0, 1.6, 1.8, 3.2))
    assert steady == "Guesses that always come true would reach 1.67 here: 3 tokens in a pass cost 1.8 of one."
    assert "unsteady: plain decoding's speeds differ by 67%" in live_notes([run(1.0, 1.0, 2.0, 2.0)], ())
    assert live_notes([run(1.0, 2.0)], ()) == ""


def test_the_plot_is_an_svg_with_a_bar_for_each_method_task_and_pass(results: dict[str, object]) -> None:
    svg = ET.fromstring(bars("A <b>title</b> & more", "below", [results, results]))
    space = "{http://www.w3.org/2000/svg}"
    titles = [rect for rect in svg.iter(f"{space}rect") if rect.find(f"{space}title") is not None]
    assert len(titles) == 2 * 2 * 3  # passes, methods with a baseline of their own, tasks and their mean
    words = [text.text for text in svg.iter(f"{space}text")]
    assert "A <b>title</b> & more" in words
    assert {"plain", "chat", "edit", "mean", "pass 2", "server ngram-mod", "1x"} <= set(words)
    height = float(svg.attrib["height"])
    assert all(0 <= float(rect.attrib.get("y", 0)) <= height for rect in svg.iter(f"{space}rect"))
