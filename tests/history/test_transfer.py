"""Export to a file, import from it: what goes out, what comes in, and what hostile files achieve."""

import io
import random
import stat
import struct
import zlib
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pytest
from fakes.planted_secrets import secrets

from spectra_local.errors import SpectraError, StoreError
from spectra_local.history import transfer_file
from spectra_local.history.database import Database
from spectra_local.history.exporting import Selection, choose, write
from spectra_local.history.importing import Vocabulary, import_file
from spectra_local.history.store import Store
from spectra_local.history.transfer_file import Header, Record, TransferFileError
from spectra_local.history.turn import TOKEN, Turn

SHARED = "def parse(arguments: list[str]) -> Namespace:\n    parser = ArgumentParser(description=__doc__)\n"
BYTES = Vocabulary(
    "bytes", "bytes", 256, lambda text: list(text.encode()), text=lambda ids: bytes(ids).decode("utf-8", "replace")
)


def turn(text: str, conversation: str, ts: float = 1e9, fingerprint: str = "bytes") -> Turn:
    return Turn(conversation, "user", fingerprint, text, tokens=np.array(list(text.encode()), TOKEN), ts=ts)


def opened(path: Path, *turns: Turn) -> Store:
    store = Store(Database(path))
    store.add(turns)
    return store


def exported(tmp_path: Path, store: Store, selection: Selection) -> Path:
    path = tmp_path / "out.spectra"
    write(choose(store, selection), path, overwrite=True)
    return path


def records(path: Path) -> list[Record]:
    with path.open("rb") as file:
        return list(transfer_file.read_records(file, transfer_file.read_header(file)))


def three(text: str) -> list[Turn]:
    return [
        turn(f"{before}\n{text}\n{after}", c)
        for before, after, c in (("a", "z", "1"), ("b", "y", "1"), ("c", "x", "2"))
    ]


def test_what_conversations_share_goes_out_and_nothing_else(tmp_path: Path) -> None:
    store = opened(
        tmp_path / "db", *three(SHARED), turn("This sentence stands in one conversation only, so it stays.", "1")
    )
    found = records(exported(tmp_path, store, Selection()))
    assert [record.text.strip() for record in found] == [SHARED.strip()]


def test_of_200_planted_secrets_none_can_be_rebuilt(tmp_path: Path) -> None:
    planted = secrets()
    turns = three(SHARED)
    for number, (secret, text) in enumerate(planted):
        for again in range(4):  # often, in many conversations, also where nothing tells what it is
            turns.append(turn(f"{SHARED}{text}\n{SHARED}", f"{number}-{again}"))
            turns.append(turn(f"so {secret} it is, as we said before in this place", f"{number}-{again}"))
        # What only the tokens say, as of a system prompt.
        tokens = np.array(list(secret.encode()), TOKEN)
        turns += [
            Turn(f"{number}-{i}", "user", "bytes", SHARED, tokens=tokens, ts=1e9, beyond=secret) for i in range(3)
        ]
    path = exported(tmp_path, opened(tmp_path / "db", *turns), Selection())
    found = records(path)
    assert not any(record.tokens for record in found), "text alone goes out: a token has no walls"
    out = "\n".join(record.text for record in found)
    assert SHARED.strip() in out
    assert [secret for secret, _ in planted if secret in out] == []
    # To be rebuilt, a secret must be there in pieces: eight characters with a digit of it, or three words of a phrase.
    pieces = [
        secret[i : i + 8]
        for secret, _ in planted
        for i in range(len(secret) - 7)
        if any(c.isdigit() for c in secret[i : i + 8])
    ]
    pieces += [
        " ".join(words[i : i + 3]) for secret, _ in planted for words in [secret.split()] for i in range(len(words) - 2)
    ]
    assert len(pieces) > 3000
    assert [piece for piece in pieces if piece in out] == []
    raw = b"".join(frame for frame in plain_frames(path.read_bytes()))
    assert [secret for secret, _ in planted if secret.encode() in raw or secret.encode("utf-32-le") in raw] == []


def plain_frames(data: bytes) -> list[bytes]:
    """All that a file holds, unpacked, whatever a reader makes of it."""
    at, frames = 14 + struct.unpack_from("<I", data, 10)[0] + 16, [data]
    while n := struct.unpack_from("<I", data, at)[0]:
        frames.append(zlib.decompress(data[at + 24 : at + 24 + n]))
        at += 24 + n
    return frames


def test_since_and_conversation_choose_whole_turns(tmp_path: Path) -> None:
    store = opened(tmp_path / "db", turn("old", "1", 10), turn("new", "1", 20), turn("other", "2", 20))
    chosen = choose(store, Selection(15, frozenset({"1"}), whole_turns=True))
    assert [record.text for record in chosen.records()] == ["new"]
    with pytest.raises(SpectraError, match="no conversation"):
        choose(store, Selection(conversations=frozenset({"3"})))


def test_whole_turns_arrive_as_they_were(tmp_path: Path) -> None:
    store = opened(tmp_path / "db", turn("one", "1"), turn("zwei ü", "2"))
    other = opened(tmp_path / "db2")
    done = import_file(exported(tmp_path, store, Selection(whole_turns=True)), other, BYTES, "friend")
    assert (done.n_turns, done.n_retokenised) == (2, 0)
    assert [(t.text, t.tokens.tolist(), t.layer) for t in other.turns()] == [
        (text, list(text.encode()), "friend") for text in ("one", "zwei ü")
    ]
    assert other.remove_layer("friend") == 2
    assert list(other.turns()) == []


def test_another_tokenizer_gets_its_own_tokens_from_the_text(tmp_path: Path) -> None:
    path = exported(tmp_path, opened(tmp_path / "db", turn("abc", "1")), Selection(whole_turns=True))
    other = opened(tmp_path / "db2")
    letters = Vocabulary(
        "letters",
        "letters",
        26,
        lambda text: [ord(c) - 97 for c in text],
        text=lambda ids: "".join(chr(i + 97) for i in ids),
    )
    assert import_file(path, other, letters).n_retokenised == 1
    assert [t.tokens.tolist() for t in other.turns(fingerprint="letters")] == [[0, 1, 2]]


@pytest.mark.parametrize(
    ("record", "fingerprint", "words"),
    [
        (Record("", (1, 2)), "other", "another tokenizer"),
        (Record("x", (256,)), "bytes", "token ids"),
        (Record("x", (-1,)), "bytes", "token ids"),
    ],
)
def test_what_cannot_be_used_is_refused_and_the_store_stays(
    tmp_path: Path, record: Record, fingerprint: str, words: str
) -> None:
    path = tmp_path / "in.spectra"
    with path.open("w+b") as file:
        transfer_file.write(file, Header("p", "d", (fingerprint,), True, n_records=0, n_tokens=0, n_bytes=0), [record])
    store = opened(tmp_path / "db")
    with pytest.raises(SpectraError, match=words):
        import_file(path, store, BYTES)
    assert [layer.name for layer in store.layers()] == ["own"]


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    path = exported(tmp_path, opened(tmp_path / "db", turn("abc", "1")), Selection(whole_turns=True))
    store = opened(tmp_path / "db2")
    import_file(path, store, BYTES, "a")
    with pytest.raises(StoreError, match="already"):
        import_file(path, store, BYTES, "a")
    with pytest.raises(SpectraError, match="own"):
        import_file(path, store, BYTES, "own")


def made(path: Path, *made: Record, fingerprint: str = "bytes") -> Path:
    with path.open("w+b") as file:
        transfer_file.write(file, Header("p", "d", (fingerprint,), True, n_records=0, n_tokens=0, n_bytes=0), made)
    return path


@pytest.mark.parametrize(
    "many",
    [
        [Record("a" * (8 << 20), ())],  # 8 kB that took 895 MB to tokenise
        [Record("a", ()) for _ in range(30_000)],  # some kB, 480,000 of which took 12 s
        [Record("", tuple(range(256)) * 4000)],
    ],
)
def test_a_small_file_that_unpacks_to_much_is_refused_before_it_is_read(tmp_path: Path, many: list[Record]) -> None:
    path = made(tmp_path / "in.spectra", *many)
    assert path.stat().st_size < 40_000
    store = opened(tmp_path / "db")

    def tokenize(text: str) -> list[int]:
        raise AssertionError("it is not looked into")

    with pytest.raises(TransferFileError, match="far more"):
        import_file(path, store, Vocabulary("m", "bytes", 256, tokenize, text=BYTES.text))
    assert [layer.name for layer in store.layers()] == ["own"]


def noise(n: int) -> str:
    return "".join(map(chr, random.Random(n).choices(range(32, 127), k=n)))


def test_an_import_larger_than_the_rest_of_the_history_is_refused_and_nothing_goes_for_it(tmp_path: Path) -> None:
    store = opened(tmp_path / "db", *(turn(noise(9000), str(i)) for i in range(20)))
    before = [t.id for t in store.turns()]
    store.cap = store.size() + 200_000
    with pytest.raises(SpectraError, match="larger than what is left"):
        import_file(made(tmp_path / "in.spectra", Record(noise(250_000), ())), store, BYTES)
    # What only tokenising tells: a token for each byte, four bytes for each token.
    with pytest.raises(SpectraError, match="larger than what is left"):
        import_file(made(tmp_path / "in.spectra", Record(noise(90_000), ()), fingerprint="other"), store, BYTES)
    assert [layer.name for layer in store.layers()] == ["own"]
    assert store.evict() == {} and [t.id for t in store.turns()] == before


def test_a_long_text_is_tokenised_in_pieces_and_arrives_whole(tmp_path: Path) -> None:
    lengths: list[int] = []

    def tokenize(text: str) -> list[int]:
        lengths.append(len(text))
        return list(text.encode())

    text = " ".join(noise(5000) for _ in range(40)) + "x" * 100_000
    store = opened(tmp_path / "db")
    import_file(
        made(tmp_path / "in.spectra", Record(text, ())), store, Vocabulary("m", "b", 256, tokenize, text=BYTES.text)
    )
    assert [bytes(t.tokens.tolist()).decode() for t in store.turns()] == [text]
    assert max(lengths) < 40_000


def test_the_file_is_private_and_never_replaced_unasked(tmp_path: Path) -> None:
    outgoing = choose(opened(tmp_path / "db", turn("abc", "1")), Selection(whole_turns=True))
    path = tmp_path / "out.spectra"
    write(outgoing, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(SpectraError, match="--force"):
        write(outgoing, path)
    assert not list(tmp_path.glob("*.part"))


def test_mutated_files_are_refused_or_harmless(tmp_path: Path) -> None:
    original = sample()
    rng = random.Random(5)
    refused = 0
    for _ in range(400):
        try:
            read_all(mutated(original, rng))
        except TransferFileError:
            refused += 1
    assert refused > 390


def test_a_bomb_is_refused_before_it_unpacks() -> None:
    packed = zlib.compress(bytes(1 << 26))
    head = struct.pack("<II", len(packed), 1 << 20)
    frame = head + blake2b(head + packed, digest_size=16).digest() + packed
    data = sample()
    start = 14 + struct.unpack_from("<I", data, 10)[0] + 16
    with pytest.raises(TransferFileError, match=r"another length|more than"):
        read_all(data[:start] + frame)


def sample() -> bytes:
    file = io.BytesIO()
    made = [Record(f"text number {i} " * (i % 7), tuple(range(i % 50)), tokenizer=0) for i in range(1, 300)]
    transfer_file.write(file, Header("p", "d", ("f",), True, n_records=0, n_tokens=0, n_bytes=0), made)
    return file.getvalue()


def mutated(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 3, 20))):
        at = rng.randrange(len(changed)) if rng.random() < 0.5 else rng.randrange(min(300, len(changed)))
        kind = rng.randrange(4)
        if kind == 0:
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            changed[at : at + 4] = struct.pack("<I", rng.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 24)))
        elif kind == 2:
            del changed[at : at + rng.randrange(1, 64)]
        else:
            changed[at:at] = bytes(np.random.default_rng(at).integers(0, 256, rng.randrange(1, 64), np.uint8))
    if len(changed) > 30 and rng.random() < 0.5:  # with a header whose checksum is right again
        end = 14 + struct.unpack_from("<I", changed, 10)[0]
        if end + 16 < len(changed):
            changed[end : end + 16] = blake2b(changed[:end], digest_size=16).digest()
    return bytes(changed)


def read_all(data: bytes) -> int:
    file = io.BytesIO(data)
    return sum(1 for _ in transfer_file.read_records(file, transfer_file.read_header(file)))
