"""A crash in native code takes one step down the ladder of kernels: real faults, in the real engine's process."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import openai
import pytest
from e2e.terminal import CHAT, Terminal
from fakes.served import serving

from spectra_local.errors import WorkerError
from spectra_local.llama import kernels, processor
from spectra_local.locations import cache_dir, log_file
from spectra_local.protocol import Done, EngineOptions, Event, Message, Notice, Request, Text
from spectra_local.worker import EngineProcess

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="faults are injected by Linux's LD_PRELOAD"),
]

FAULTS = Path(__file__).parents[1] / "fakes" / "native" / "faults.c"
SIGNALS = {"segv": "SIGSEGV", "ill": "SIGILL", "bus": "SIGBUS", "fpe": "SIGFPE"}
LOWER = kernels.PLAIN_WEIGHTS
ABOVE = "fastest,without-amx"
CAPITAL = Request(messages=(Message("user", "What is the capital of France? Answer in one sentence."),), max_tokens=24)
STORY = Request(messages=(Message("user", "Tell a very long story about a cat."),), max_tokens=48)

Inject = Callable[..., None]


@pytest.fixture(scope="session")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The test-only native function that faults."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler here to make a native function that faults")
    library = tmp_path_factory.mktemp("native") / "faults.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(FAULTS), "-ldl"], check=True)
    return library


@pytest.fixture
def inject(faults: Path, smollm2_path: Path, spectra_home: Path, monkeypatch: pytest.MonkeyPatch) -> Inject:
    """Makes the engines of this test fault."""
    monkeypatch.delenv(kernels.VARIABLE, raising=False)

    def set_up(fault: str, on: str | None = ABOVE, when: Path | None = None) -> None:
        monkeypatch.setenv("LD_PRELOAD", str(faults))
        monkeypatch.setenv("FAULT", fault)
        for name, value in (("FAULT_ON", on), ("FAULT_WHEN", when)):
            if value is not None:
                monkeypatch.setenv(name, str(value))

    return set_up


@pytest.fixture
def engine(smollm2_path: Path) -> Iterator[EngineProcess]:
    with closing(EngineProcess(smollm2_path, EngineOptions(n_ctx=1024))) as engine:
        yield engine


def text_of(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Text))


def notices(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, Notice)]


def kept_files() -> list[Path]:
    return list((cache_dir() / "kernels").glob("*"))


@pytest.mark.parametrize("fault", SIGNALS)
def test_a_crash_before_the_first_token_is_one_step_down_inside_the_first_start(
    inject: Inject, engine: EngineProcess, fault: str, smollm2_path: Path
) -> None:
    inject(fault)
    list(engine.load())
    events = list(engine.generate(CAPITAL))
    assert "Paris" in text_of(events)
    (notice,) = notices(events)
    assert SIGNALS[fault] in notice
    assert LOWER.words in notice
    assert "\n" not in notice
    assert kernels.current() == LOWER
    log = log_file().read_text()
    for fact in (SIGNALS[fault], "AVX" if "avx" in processor.instructions() else "CPU :", processor.name()):
        assert fact in log
    assert str(smollm2_path) in log
    assert "its last words:\n" in log
    assert "sched_reserve" in log, "llama.cpp's own lines"
    assert "in _decode" in log, "where Python was"


def test_what_worked_is_remembered_and_said_once(inject: Inject, engine: EngineProcess, smollm2_path: Path) -> None:
    inject("segv")
    list(engine.load())
    assert notices(list(engine.generate(CAPITAL)))
    assert not notices(list(engine.generate(CAPITAL)))
    engine.close()
    n_crashes = log_file().read_text().count("ended by signal")
    with closing(EngineProcess(smollm2_path, EngineOptions(n_ctx=1024))) as second:
        list(second.load())
        events = list(second.generate(CAPITAL))
    assert "Paris" in text_of(events)
    assert not notices(events)
    assert log_file().read_text().count("ended by signal") == n_crashes, "the second start crashes no more"


@pytest.mark.parametrize("fault", SIGNALS)
def test_a_crash_in_a_later_decode_steps_down_too_and_the_answer_goes_on(
    inject: Inject, engine: EngineProcess, fault: str, tmp_path: Path
) -> None:
    now = tmp_path / "now"
    inject(fault, when=now)
    list(engine.load())
    before: list[Event] = []
    rest = engine.generate(STORY)
    for event in rest:
        before.append(event)
        if isinstance(event, Text) and event.text:
            break
    now.touch()
    after = list(rest)
    done = after[-1]
    assert isinstance(done, Done)
    assert done.finish_reason == "length"
    assert done.timings.predicted_n == STORY.max_tokens
    assert sum(e.n_tokens for e in [*before, *after] if isinstance(e, Text)) == STORY.max_tokens
    assert text_of(after)
    (notice,) = notices(after)
    assert SIGNALS[fault] in notice
    assert kernels.current() == LOWER
    assert "Paris" in text_of(list(engine.generate(CAPITAL)))


def test_one_who_shares_the_engine_gets_the_rest_of_its_answer_too(
    inject: Inject, smollm2_path: Path, tmp_path: Path
) -> None:
    now = tmp_path / "now"
    inject("segv", when=now)
    options = EngineOptions(n_ctx=1024, share=True)
    with (
        closing(EngineProcess(smollm2_path, options)) as parent,
        closing(EngineProcess(smollm2_path, options)) as other,
    ):
        list(parent.load())
        list(other.load())
        assert other.pid == parent.pid
        rest = other.generate(STORY)
        begun = [next(rest) for _ in range(3)]
        now.touch()
        done = [*begun, *rest][-1]
        assert isinstance(done, Done)
        assert done.timings.predicted_n == STORY.max_tokens
        assert "Paris" in text_of(list(parent.generate(CAPITAL)))


def test_a_model_that_crashes_on_every_step_is_one_line_and_nothing_is_remembered(
    inject: Inject, engine: EngineProcess
) -> None:
    inject("segv", on=None)
    with pytest.raises(WorkerError, match=r"even on its plainest kernels.*--no-binary llama-cpp-python.*The log"):
        list(engine.load())
        list(engine.generate(CAPITAL))  # where the cost was measured before, loading decodes nothing
    assert not kept_files()
    assert log_file().read_text().count("the engine's process ended by signal SIGSEGV") >= 3


def test_a_library_for_another_processor_is_named_as_that_with_the_command_that_rebuilds_it(
    inject: Inject, engine: EngineProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    inject("ill", on=None)
    monkeypatch.setattr(processor, "instructions", lambda: frozenset({"sse2"}))
    with pytest.raises(WorkerError, match=r"built for another processor: it needs .*SSE3.*--no-binary"):
        list(engine.load())
        list(engine.generate(CAPITAL))
    assert log_file().read_text().count("the engine's process ended by signal SIGILL") == 1


def test_a_library_that_dies_as_it_is_loaded_is_said_to_be_for_another_processor(
    smollm2_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "dies.c"
    source.write_text("__attribute__((constructor)) static void die(void) { __builtin_trap(); }\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(tmp_path / "libllama.so"), str(source)], check=True)
    monkeypatch.setenv("LLAMA_CPP_LIB_PATH", str(tmp_path))
    with (
        closing(EngineProcess(smollm2_path)) as engine,
        pytest.raises(WorkerError, match=r"\(SIGILL\): it was probably built for another\. Build it"),
    ):
        list(engine.load())


def test_an_engine_killed_from_outside_takes_no_step(inject: Inject, engine: EngineProcess) -> None:
    inject("segv", on="none")
    list(engine.load())
    story = engine.generate(STORY)
    next(story)
    assert engine.pid
    os.kill(engine.pid, signal.SIGKILL)
    with pytest.raises(WorkerError, match="SIGKILL"):
        list(story)
    list(engine.load())
    assert "Paris" in text_of(list(engine.generate(CAPITAL)))
    assert kernels.current() == kernels.FASTEST


def test_a_decoding_engine_settles_the_fastest_kernels_without_a_word(inject: Inject, engine: EngineProcess) -> None:
    inject("segv", on="none")
    assert not kernels.is_settled()
    list(engine.load())
    assert not notices(list(engine.generate(CAPITAL)))
    assert kernels.is_settled()
    assert kernels.current() == kernels.FASTEST


@pytest.mark.parametrize(
    "command", [["ask", "-n", "24", "What is the capital of France?"], ["complete", "FILE", "--at", "1:29"]]
)
def test_commands_answer_at_their_first_start(
    inject: Inject, smollm2_path: Path, tmp_path: Path, command: list[str]
) -> None:
    inject("segv")
    file = tmp_path / "count.txt"
    file.write_text("one, two, three, four, five,\n")
    arguments = [str(file) if part == "FILE" else part for part in command]
    result = subprocess.run(
        [sys.executable, "-P", "-m", "tui", *arguments, "-m", str(smollm2_path)],
        capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip()
    if command[0] == "ask":
        assert result.stderr.count("llama.cpp crashed (SIGSEGV)") == 1


def test_the_chats_first_start_answers_and_says_why_it_is_slower(inject: Inject, smollm2_path: Path) -> None:
    inject("segv")
    terminal = Terminal([*CHAT, "-m", str(smollm2_path)], size=(100, 30), TEXTUAL_ANIMATIONS="none")
    terminal.wait_for("●")
    terminal.type("What is the capital of France?")
    terminal.wait_for("of France?")
    terminal.type("\r")
    terminal.wait_for("llama.cpp crashed (SIGSEGV)")
    terminal.wait_for(lambda text: "●" in text and "tok/s" in text)
    terminal.type("\x11")
    assert terminal.exit_code() == 0
    terminal.close()


def test_the_servers_first_start_answers_an_openai_client(inject: Inject, smollm2_path: Path) -> None:
    inject("segv")
    said: list[str] = []
    with (
        serving(smollm2_path, ends_by=signal.SIGTERM, exit_code=0, says=said) as url,
        openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client,
    ):
        messages = [{"role": "user", "content": "What is the capital of France? Answer in one sentence."}]
        stream = client.chat.completions.create(model="any", messages=messages, max_tokens=24, stream=True)
        assert "Paris" in "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    assert sum("llama.cpp crashed (SIGSEGV)" in line for line in said) == 1, "on the server's own terminal"


def test_doctor_shows_the_step_and_the_better_build(inject: Inject, engine: EngineProcess, smollm2_path: Path) -> None:
    inject("segv")
    list(engine.load())
    list(engine.generate(CAPITAL))
    command = [sys.executable, "-P", "-m", "tui", "doctor", "-m", str(smollm2_path)]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    assert LOWER.name in shown
    assert "crashed (SIGSEGV)" in shown
    assert "--no-binary llama-cpp-python" in shown
