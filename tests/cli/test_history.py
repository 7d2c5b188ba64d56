"""``spectra-chat history``: each subcommand with good and bad input, as text and JSON, through the program's entry."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pexpect
import pytest

from spectra_local.chats.store import ChatStore
from spectra_local.cli.main import run
from spectra_local.errors import StoreError
from spectra_local.history.database import Database
from spectra_local.history.store import Store
from spectra_local.history.turn import TOKEN, Turn
from spectra_local.locations import database_file, private_dir
from spectra_local.settings import settings_file

Cache = Callable[..., tuple[int, str, str]]
SHARED = "the parser reads the arguments of the command line and tells what is wrong with them"


@pytest.fixture
def cache(capsys: pytest.CaptureFixture[str]) -> Cache:
    def cache(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            run(None, ["history", *arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err and "internal error" not in err
        return int(ended.value.code or 0), out, err

    return cache


@pytest.fixture
def filled(spectra_home: Path) -> Path:
    """Three conversations that share a sentence; one is a saved chat."""
    with closing(Database()) as database:
        chats = ChatStore(database)
        chat = chats.create("A parser")
        chats.add(chat, None, "user", f"1: {SHARED}")
        nine = np.arange(9, dtype=TOKEN)
        Store(database).add([
            Turn(f"chat-{i}", "user", "fp", f"{i}: {SHARED} \x1b[31m", tokens=nine, ts=1e9 + i * 1e6)
            for i in (1, 2, 3)
        ])  # fmt: skip
    return spectra_home


def texts() -> list[str]:
    with closing(Database()) as database:
        return [turn.text[:1] for turn in Store(database).turns()]


def test_path_names_the_file(cache: Cache) -> None:
    assert cache("path") == (0, f"{database_file()}\n", "")


def test_stats_of_an_empty_and_of_a_filled_history(cache: Cache, filled: Path) -> None:
    code, out, err = cache("stats")
    assert (code, err) == (0, "")
    assert out.splitlines()[1].split()[:3] == ["own", "3", "27"]
    code, out, _ = cache("stats", "--json")
    assert json.loads(out)["layers"][0]["turns"] == 3


def test_stats_before_anything_was_said(cache: Cache) -> None:
    code, out, _ = cache("stats", "--json")
    assert (code, json.loads(out)["layers"][0]["turns"]) == (0, 0)


def test_layers(cache: Cache, filled: Path) -> None:
    code, out, err = cache("layers")
    assert (code, err) == (0, "") and out.splitlines()[1].startswith("own")
    code, out, _ = cache("layers", "--json")
    assert [layer["name"] for layer in json.loads(out)["layers"]] == ["own"]


def test_conversations_are_listed_by_the_names_that_forget_takes(cache: Cache, filled: Path) -> None:
    code, out, err = cache("conversations")
    lines = out.splitlines()
    assert (code, err) == (0, "") and [line.split()[0] for line in lines] == ["NAME", "chat-3", "chat-2", "chat-1"]
    assert "2001-10" in lines[1] and "3: the parser" in lines[1] and "\x1b" not in out
    found = json.loads(cache("conversations", "--json")[1])["conversations"]
    assert [(each["name"], each["turns"]) for each in found] == [("chat-3", 1), ("chat-2", 1), ("chat-1", 1)]
    assert cache("forget", "--all", "--yes")[0] == 0
    assert cache("conversations") == (0, "NAME  LATEST       TURNS     TOKENS  BEGINS\n", "")


def test_export_previews_writes_and_never_replaces_unasked(cache: Cache, filled: Path, tmp_path: Path) -> None:
    file = tmp_path / "out.spectra"
    code, out, err = cache("export", str(file), "--dry-run")
    assert code == 0 and SHARED[:40] in out and "nothing was written" in err and not file.exists()
    code, out, err = cache("export", str(file))
    assert code == 0 and "\x1b" not in out and file.exists() and "wrote" in err
    before = file.read_bytes()
    code, out, err = cache("export", str(file))
    assert (code, out) == (1, "") and "--force" in err and file.read_bytes() == before
    assert cache("export", str(file), "--force")[0] == 0


def test_export_of_whole_turns_is_warned_of_and_wants_a_yes(cache: Cache, filled: Path, tmp_path: Path) -> None:
    file = tmp_path / "out.spectra"
    code, _, err = cache("export", str(file), "--include-all")
    assert code == 1 and "passwords" in err and "--yes" in err and not file.exists()
    assert cache("export", str(file), "--include-all", "--yes")[0] == 0
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["export"], 2, "FILE"),
        (["export", "x.spectra", "--since", "yesterday"], 2, "%Y-%m-%d"),
        (["export", "/nowhere/x.spectra"], 1, "No such file"),
        (["export", "x.spectra", "--conversation", "unheard-of"], 2, "no conversation"),
        (["import"], 2, "FILE"),
        (["remove"], 2, "NAME"),
        (["remove", "unheard-of"], 1, "no layer"),
        (["remove", "own"], 1, "forget --all"),
        (["forget"], 2, "say what to forget"),
        (["forget", "--containing", ""], 2, "say what to forget"),
        (["forget", "--all", "--containing", "x"], 2, "--all goes with no other"),
        (["forget", "--before", "2026-13-01"], 2, "YYYY-MM-DD"),
        (["forget", "--all"], 1, "--yes"),
        (["forget", "--containing", "parser"], 1, "erases 3 learned turns, 1 saved chat."),
        (["stats", "--nonsense"], 2, "no such option"),
        (["verify", "more"], 2, "unexpected"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_changed(
    cache: Cache, filled: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    arguments: list[str], code: int, words: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    found, _, err = cache(*arguments)
    assert (found, words in err) == (code, True), err
    assert texts() == ["1", "2", "3"]
    assert not list(tmp_path.iterdir())


@pytest.mark.model
@pytest.mark.usefixtures("native_here")
def test_an_import_is_a_layer_that_can_be_removed(
    cache: Cache, filled: Path, tmp_path: Path, smollm2_path: Path
) -> None:
    file = tmp_path / "friend.spectra"
    cache("export", str(file))
    code, _, err = cache("import", str(file), "-m", str(smollm2_path))
    assert code == 0 and "layer friend" in err
    assert [layer["name"] for layer in json.loads(cache("layers", "--json")[1])["layers"]] == ["own", "friend"]
    code, _, err = cache("import", str(file), "-m", str(smollm2_path))
    assert code == 1 and "already" in err
    file.write_bytes(file.read_bytes()[:-9] + b"damaged!!")
    code, _, err = cache("import", str(file), "--as", "other", "-m", str(smollm2_path))
    assert code == 1 and "damaged" in err
    code, _, err = cache("import", str(tmp_path / "none"), "-m", str(smollm2_path))
    assert code == 1 and "cannot read" in err
    code, _, err = cache("remove", "friend")
    assert code == 0 and "removed layer friend" in err
    assert texts() == ["1", "2", "3"]


def test_forget_says_what_went(cache: Cache, filled: Path) -> None:
    assert cache("forget", "--conversation", "chat-1", "-y") == (0, "erased: 1 learned turn, 1 saved chat\n", "")
    assert cache("forget", "--containing", "no such words", "-y") == (0, "erased: nothing\n", "")
    assert cache("forget", "--before", "2001-09-30", "-y")[1] == "erased: nothing\n"
    assert cache("forget", "--containing", "2: THE PARSER", "-y")[1] == "erased: 1 learned turn\n"
    assert texts() == ["3"]
    assert cache("forget", "--all", "--yes")[1] == "erased: 1 learned turn\n"


def test_a_conversation_that_nobody_knows_is_an_error(cache: Cache, filled: Path) -> None:
    assert cache("forget", "--conversation", "chat-99")[0] == 1  # nothing to confirm
    assert cache("forget", "--containing", "no such words") == (0, "erased: nothing\n", "")
    code, out, err = cache("forget", "--conversation", "chat-99\x1b[31m", "-y")
    assert (code, out) == (1, "") and "chat-99␛[31m" in err and "history conversations" in err
    code, out, err = cache("forget", "--conversation", "chat-1", "--containing", "no such words", "-y")
    assert (code, out) == (1, "") and "that fits" in err
    assert len(texts()) == 3


def test_forget_asks_on_a_terminal(filled: Path) -> None:
    for answer, left in (("n", ["1", "2", "3"]), ("y", [])):
        child = pexpect.spawn(sys.executable, ["-m", "tui", "history", "forget", "--all"], timeout=60,
                              cwd=str(Path(__file__).parents[2]), env=os.environ)  # fmt: skip
        child.expect_exact("This erases 3 learned turns, 1 saved chat.")
        child.sendline(answer)
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == (0 if answer == "y" else 1)
        assert texts() == left


def test_verify_of_what_is_whole(cache: Cache, filled: Path) -> None:
    assert cache("verify") == (0, "3 turns are whole\n", "")
    found = json.loads(cache("verify", "--json")[1])
    assert (found["turns"], found["rows"], found["file"], found["salvaged"]) == (3, {}, [], "")


def flip(words: bytes) -> bytes:
    """Changes one bit of the first place where the database has these bytes; the whole file as it is then."""
    content = bytearray(database_file().read_bytes())
    content[content.index(words)] ^= 1
    database_file().write_bytes(content)
    return bytes(content)


def test_verify_puts_what_is_whole_in_the_place_of_the_damaged_file_and_keeps_that(cache: Cache, filled: Path) -> None:
    damaged = flip(b"2: the parser")
    code, out, _ = cache("verify", "--json")
    found = json.loads(out)
    assert (code, found["rows"], found["turns"]) == (1, {"turns": [2]}, 2)
    assert Path(found["kept"]).read_bytes()[100:] == damaged[100:], "all but SQLite's own header"
    assert found["salvaged"] == str(database_file())
    assert texts() == ["1", "3"]
    with closing(Database()) as database:
        saved = ChatStore(database).load(1)
        assert saved is not None and [m.text for m in saved.messages] == [f"1: {SHARED}"]
    assert cache("verify")[0] == 0


def test_verify_tells_a_damaged_message_and_a_damaged_file(cache: Cache, filled: Path) -> None:
    flip(b"1: the parser")  # of the message, which was written first
    code, out, _ = cache("verify")
    assert code == 1 and ("message 1 is damaged" in out or "turn 1 is damaged" in out)
    assert "the damaged file is kept as" in out and "Traceback" not in out


def test_verify_reads_a_file_whose_header_is_lost(cache: Cache, filled: Path) -> None:
    content = database_file().read_bytes()
    database_file().write_bytes(b"x" * 60 + content[60:])
    assert cache("stats")[0] == 0, "the program goes on with a new file"
    code, out, _ = cache("verify")
    assert code == 1 and "was damaged when it was opened" in out
    assert texts() == ["1", "2", "3"]
    assert cache("verify")[0] == 0


def test_while_another_program_has_the_file_it_stays_in_its_place(cache: Cache, filled: Path) -> None:
    flip(b"2: the parser")
    with closing(Database()) as other:
        code, out, _ = cache("verify")
        assert code == 1 and "close it, then run 'history verify' again" in out
        assert [turn.id for turn in Store(other).turns()] == [1, 3]
    assert cache("verify")[0] == 1
    assert cache("verify")[0] == 0


def test_where_nothing_can_be_written_verify_still_tells(
    cache: Cache, filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = flip(b"2: the parser")

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("spectra_local.history.salvage.write", full)
    code, out, _ = cache("verify")
    assert code == 1 and "turn 2 is damaged" in out and "could not be saved" in out and "saved to" not in out
    assert database_file().read_bytes()[100:] == damaged[100:]


def test_a_damaged_segment_is_removed(cache: Cache, filled: Path) -> None:
    segment = filled / "cache" / "history" / "x" / "1.segment"
    segment.parent.mkdir(parents=True)
    segment.write_bytes(b"no segment")
    code, out, _ = cache("verify")
    assert code == 1 and "1.segment" in out and not segment.exists()
    assert cache("verify")[0] == 0


def test_the_program_itself(filled: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "tui", "history", "stats", "--json"], capture_output=True, text=True,
                          cwd=Path(__file__).parents[2])  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "") and json.loads(done.stdout)["layers"]


@pytest.mark.parametrize("at", [18, 47, 60, 100, 103, 4096])
def test_forgetting_all_works_on_any_damage(cache: Cache, filled: Path, at: int) -> None:
    content = bytearray(database_file().read_bytes())
    content[at : at + 8] = bytes(255 - byte for byte in content[at : at + 8])
    database_file().write_bytes(content)
    code, out, err = cache("forget", "--all", "--yes")
    assert code == 0 and out.startswith("erased") and "Traceback" not in err
    left = b"".join(path.read_bytes() for path in filled.rglob("*") if path.is_file())
    assert b"the parser" not in left
    assert cache("stats")[0] == 0


def test_forgetting_all_works_on_a_full_disk(cache: Cache, filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object, **more: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(Database, "transaction", full)
    assert cache("forget", "--containing", "parser", "--yes")[0] == 1
    code, out, _ = cache("forget", "--all")
    assert code == 1 and not out, "nothing without a yes"
    assert cache("forget", "--all", "--yes") == (0, "erased: everything\n", "")
    assert b"the parser" not in b"".join(path.read_bytes() for path in filled.rglob("*") if path.is_file())


def test_system_prompts_that_hold_it_are_named(cache: Cache, filled: Path) -> None:
    private_dir(settings_file().parent)
    settings_file().write_text('[systems]\npirate = "Talk like Wilhelmina."\nplain = "Be brief."\n')
    _, _, err = cache("forget", "--containing", "wilhelmina", "--yes")
    assert "system prompt 'pirate'" in err and str(settings_file()) in err and "plain" not in err
    _, _, err = cache("forget", "--all", "--yes")
    assert "'pirate'" in err and "'plain'" in err


def test_a_layer_is_switched_off_and_on(cache: Cache, filled: Path) -> None:
    with closing(Database()) as database:
        Store(database).import_layer(
            "friend", [Turn("f", "user", "fp", "lent", tokens=np.arange(9, dtype=TOKEN), ts=1e9)]
        )
    assert "(off)" not in cache("layers")[1]
    code, out, _ = cache("layers", "--off", "friend")
    assert code == 0 and "(off)" in out
    with closing(Database()) as database:
        assert len(Store(database).ids("fp")) == 3
    assert "(off)" not in cache("layers", "--on", "friend")[1]
    assert cache("layers", "--off", "friend", "--off", "nobody")[0] == 1 and "(off)" not in cache("layers")[1]
    assert cache("layers", "--off", "friend", "--on", "friend")[0] == 2


def test_the_old_name_is_understood_and_not_listed(capsys: pytest.CaptureFixture[str], spectra_home: Path) -> None:
    for arguments in (["cache", "path"], ["history", "path"], ["--help"]):
        with pytest.raises(SystemExit) as ended:
            run(None, arguments)
        assert not ended.value.code
    first, second, *rest = capsys.readouterr().out.splitlines()
    assert first == second == str(database_file())
    assert any(line.split()[:1] == ["history"] for line in rest)
    assert not any(line.split()[:1] == ["cache"] for line in rest)
