"""A file size limit, a full disk, a home that cannot be written: the answers come all the same, with one notice.

The full disk and the read-only home are mounts, so they need root on Linux; elsewhere they are skipped, saying so.
"""

import argparse
import os
import resource
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from campaigns.homes import ROOT, model_file, temporary_home
from spectra_local.protocol import EngineOptions, Message, Notice, Request, Text
from spectra_local.worker import EngineProcess

TOKENS = 4
OPTIONS = EngineOptions(n_ctx=512)


@dataclass(slots=True)
class Outcome:
    """By trouble: what ``ask`` printed as words, and the notices of a chat of three questions."""

    said: dict[str, list[str]] = field(default_factory=dict)
    notices: dict[str, list[str]] = field(default_factory=dict)
    notices_midway: dict[str, list[str]] = field(default_factory=dict)  # where the trouble came after the start
    failures: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def run(model: Path, names: Collection[str] = ("file size limit", "full disk", "read-only home")) -> Outcome:
    """Those troubles, each in a home that has a store with something in it."""
    found = Outcome()
    troubles = {"file size limit": _limited, "full disk": _full, "read-only home": _read_only}
    for name, trouble in ((name, troubles[name]) for name in names):
        with temporary_home() as home:
            home.mkdir(mode=0o700)
            try:
                with trouble(home, model) as midway:
                    _try(name, model, found)
                    if midway:
                        found.notices_midway[name] = _chat(name, midway, found)
                        midway.close()
            except PermissionError as error:
                found.skipped.append(f"{name}: {error}")
    return found


def _try(name: str, model: Path, found: Outcome) -> None:
    command = [sys.executable, "-m", "tui", "ask", "-m", str(model), "--ctx", "512", "-n", str(TOKENS), "Say hello."]
    asked = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120)
    found.said[name] = asked.stderr.splitlines()
    if asked.returncode or not asked.stdout.strip() or len(found.said[name]) != 1:
        found.failures.append(f"{name}: ask ended with {asked.returncode}, {asked.stdout!r}, {asked.stderr!r}")
    engine = _loaded(model)
    found.notices[name] = _chat(name, engine, found)
    engine.close()


def _chat(name: str, engine: EngineProcess, found: Outcome) -> list[str]:
    """Three questions; the notices that came with the answers."""
    notices: list[str] = []
    for number in range(3):
        request = Request((Message("user", f"Say {number}."),), max_tokens=TOKENS, conversation="c")
        answer = ""
        for event in engine.generate(request):
            if isinstance(event, Text):
                answer += event.text
            elif isinstance(event, Notice):
                notices.append(event.text)
        if not answer:
            found.failures.append(f"{name}: question {number} had no answer")
    if len(notices) != 1:
        found.failures.append(f"{name}: {len(notices)} notices: {notices}")
    return notices


def _loaded(model: Path) -> EngineProcess:
    engine = EngineProcess(model, OPTIONS)
    for _ in engine.load():
        pass
    return engine


def _prepared(model: Path) -> EngineProcess:
    """What a user has before the trouble begins: measured costs, a store with an exchange, an open chat."""
    engine = _loaded(model)
    for _ in engine.generate(Request((Message("user", "Before."),), max_tokens=TOKENS)):
        pass
    return engine


@contextmanager
def _limited(home: Path, model: Path) -> Iterator[EngineProcess]:
    engine = _prepared(model)
    assert engine.pid
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Less than the log of one commit. Children inherit it; Python ignores SIGXFSZ.
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    resource.prlimit(engine.pid, resource.RLIMIT_FSIZE, (2000, before[1]))
    try:
        yield engine
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def _full(home: Path, model: Path) -> Iterator[EngineProcess]:
    with _mounted("-t", "tmpfs", "-o", "size=16m,mode=700", "tmpfs", str(home)):
        engine = _prepared(model)
        with (home / "ballast").open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
        yield engine


@contextmanager
def _read_only(home: Path, model: Path) -> Iterator[None]:
    _prepared(model).close()
    with _mounted("--bind", str(home), str(home)):
        _mount("-o", "remount,bind,ro", str(home))
        yield


@contextmanager
def _mounted(*arguments: str) -> Iterator[None]:
    if sys.platform != "linux" or os.geteuid() != 0:
        raise PermissionError("needs root on Linux to mount")
    _mount(*arguments)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", arguments[-1]], check=True)


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise PermissionError(done.stderr.strip())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path)
    given = parser.parse_args()
    found = run(model_file(given.model))
    for name, notices in found.notices.items():
        print(f"{name}: ask said {found.said[name]}; a chat of three questions was told {notices}; "
              f"one that was open before, {found.notices_midway.get(name)}")  # fmt: skip
    print("\n".join([*(f"skipped: {each}" for each in found.skipped), *found.failures]))
    return 1 if found.failures else 0


if __name__ == "__main__":
    sys.exit(main())
