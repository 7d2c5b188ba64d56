"""Models of other programs are found where those programs keep them, and only models."""

import json
from pathlib import Path

import pytest
from fakes.gguf import gguf_bytes, write_gguf

from spectra_local import locations
from spectra_local.catalogue import added
from spectra_local.catalogue.default import resolve
from spectra_local.catalogue.offers import NoModelError
from spectra_local.catalogue.on_disk import ModelOnDisk, chat_models, find_all, notice_of
from spectra_local.errors import ModelNotFoundError

DIGEST = "a1" * 32


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home; no variable points elsewhere."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "LLAMA_CACHE", "OLLAMA_MODELS", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    return home


def found() -> list[tuple[str, str]]:
    return [(model.where, model.name) for model in find_all()]


def write_manifest(store: Path, *place: str, digest: str = f"sha256:{DIGEST}", kind: str = "model") -> Path:
    manifest = store.joinpath("manifests", *place)
    manifest.parent.mkdir(parents=True, exist_ok=True)
    layers = [
        {"mediaType": "application/vnd.ollama.image.license", "digest": "sha256:" + "0" * 64},
        {"mediaType": f"application/vnd.ollama.image.{kind}", "digest": digest},
    ]
    manifest.write_text(json.dumps({"schemaVersion": 2, "layers": layers}))
    return manifest


def test_an_empty_machine_has_none():
    assert find_all() == []


def test_our_own_models_bear_the_catalogues_names():
    write_gguf(locations.models_dir() / "SmolLM2-135M-Instruct.Q4_1.gguf")
    write_gguf(locations.models_dir() / "Other.gguf")
    assert found() == [("own", "Other"), ("own", "smollm2-135m-instruct")]


def test_models_of_every_program_are_found_and_used_in_place(home: Path):
    blob = write_gguf(home / ".cache/huggingface/hub/models--a--B-GGUF/blobs/123", size=2000)
    snapshot = home / ".cache/huggingface/hub/models--a--B-GGUF/snapshots/rev1"
    snapshot.mkdir(parents=True)
    (snapshot / "B-Q4.gguf").symlink_to(blob)
    nested = write_gguf(snapshot.parent / "rev1/Q8_0/B-Q8.gguf")
    cached = write_gguf(home / ".cache/llama.cpp/c_D-GGUF_D.gguf")
    studio = write_gguf(home / ".lmstudio/models/e/F-GGUF/F.gguf")
    ollama = write_gguf(home / f".ollama/models/blobs/sha256-{DIGEST}")
    write_manifest(home / ".ollama/models", "registry.ollama.ai", "library", "llama3.2", "1b")
    assert find_all() == [
        ModelOnDisk("B-Q4", snapshot / "B-Q4.gguf", 2000, "hugging-face"),
        ModelOnDisk("B-Q8", nested, 1000, "hugging-face"),
        ModelOnDisk("c_D-GGUF_D", cached, 1000, "llama.cpp"),
        ModelOnDisk("F", studio, 1000, "lm-studio"),
        ModelOnDisk("llama3.2:1b", ollama, 1000, "ollama"),
    ]


def test_the_programs_own_variables_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_gguf(tmp_path / "hub/models--a--B/snapshots/r/B.gguf")
    write_gguf(tmp_path / "home2/hub/models--c--D/snapshots/r/D.gguf")
    write_gguf(tmp_path / "llama/E.gguf")
    write_gguf(tmp_path / f"ollama/blobs/sha256-{DIGEST}")
    write_manifest(tmp_path / "ollama", "example.org", "me", "f", "latest")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home2"))
    monkeypatch.setenv("LLAMA_CACHE", str(tmp_path / "llama"))
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "ollama"))
    assert found() == [
        ("hugging-face", "B"),
        ("hugging-face", "D"),
        ("llama.cpp", "E"),
        ("ollama", "example.org/me/f:latest"),
    ]


def test_one_file_under_two_names_is_one_model(home: Path):
    blob = write_gguf(home / ".cache/huggingface/hub/models--a--B/blobs/1")
    for revision in ("r1", "r2"):
        snapshot = home / ".cache/huggingface/hub/models--a--B/snapshots" / revision
        snapshot.mkdir(parents=True)
        (snapshot / "B.gguf").symlink_to(blob)
    assert found() == [("hugging-face", "B")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("text.gguf", b"this is no model" * 10),
        ("empty.gguf", b""),
        ("short.gguf", b"GGUF\x03"),
        ("vocabulary.gguf", gguf_bytes(n_tensors=0)),
        ("model.gguf.part", gguf_bytes()),
        ("model.gguf.downloadInProgress", gguf_bytes()),
        (".hidden.gguf", gguf_bytes()),
        ("big-00002-of-00003.gguf", gguf_bytes()),
        ("lone-00001-of-00002.gguf", gguf_bytes()),
    ],
)
def test_what_is_no_usable_model_is_left_out(home: Path, name: str, content: bytes):
    folder = home / ".cache/llama.cpp"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(content)
    assert find_all() == []


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("mmproj-model-f16.gguf", gguf_bytes(), "an image or audio encoder for another model"),
        ("projector.gguf", gguf_bytes("clip"), "a vision or audio encoder"),
        ("nomic.gguf", gguf_bytes("nomic-bert"), "an embedding model"),
        ("qwen3-embedding.gguf", gguf_bytes("qwen3", pairs={"qwen3.pooling_type": 3}), "an embedding model"),
        ("qwen3-reranker.gguf", gguf_bytes("qwen3", pairs={"qwen3.pooling_type": 4}), "a reranker"),
        ("eagle.gguf", gguf_bytes("eagle3"), "a draft head for another model"),
        ("lora.gguf", gguf_bytes("llama", pairs={"general.type": "adapter"}), "an adapter for another model"),
        ("odd.gguf", gguf_bytes("llama", pairs={"general.type": "odd"}), "of the type odd"),
        ("plain.gguf", gguf_bytes("llama", pairs={"general.type": "model", "llama.pooling_type": 0}), ""),
    ],
)
def test_what_cannot_be_chatted_with_is_listed_as_what_it_is_and_refused(
    home: Path, name: str, content: bytes, kind: str
):
    (home / ".cache/llama.cpp").mkdir(parents=True)
    (home / ".cache/llama.cpp" / name).write_bytes(content)
    (model,) = find_all()
    assert model.kind == kind
    assert [each.name for each in chat_models()] == ([] if kind else [model.name])
    if kind:
        with pytest.raises(ModelNotFoundError, match="no model to chat with"):
            resolve(model.name)
        with pytest.raises(NoModelError):
            resolve(None)


def test_lm_studios_folder_is_found_where_it_was_moved(home: Path, tmp_path: Path):
    write_gguf(tmp_path / "big disk/publisher/Model/Model.gguf")
    write_gguf(tmp_path / "elsewhere/models/publisher/Other/Other.gguf")
    (home / ".lmstudio").mkdir()
    (home / ".lmstudio/settings.json").write_text(json.dumps({"downloadsFolder": str(tmp_path / "big disk")}))
    (home / ".lmstudio-home-pointer").write_text(f"{tmp_path}/elsewhere\n")
    assert found() == [("lm-studio", "Model"), ("lm-studio", "Other")]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"downloadsFolder": 3}', '{"downloadsFolder": "a\\u0000b"}', "[" * 99999]
)
def test_settings_of_lm_studio_that_make_no_sense_are_passed_over(home: Path, text: str):
    write_gguf(home / ".lmstudio/models/publisher/Model/Model.gguf")
    (home / ".lmstudio/settings.json").write_text(text)
    assert found() == [("lm-studio", "Model")]


def test_what_ollama_adds_to_a_model_is_said(home: Path):
    store = home / ".ollama/models"
    blob = write_gguf(store / f"blobs/sha256-{DIGEST}")
    manifest = write_manifest(store, "registry.ollama.ai", "library", "m", "latest")
    assert notice_of(blob) == ""
    document = json.loads(manifest.read_text())
    for kind in ("template", "system", "params"):
        document["layers"].append(
            {"mediaType": f"application/vnd.ollama.image.{kind}", "digest": f"sha256:{'b2' * 32}"}
        )
    manifest.write_text(json.dumps(document))
    assert notice_of(blob).startswith("Ollama gives m:latest a template, a system prompt and parameters of its own;")
    assert notice_of(home / "other.gguf") == ""


def test_a_split_model_is_listed_once_with_all_its_bytes(home: Path):
    folder = home / ".cache/llama.cpp"
    first = write_gguf(folder / "big-00001-of-00003.gguf", n_tensors=0)
    write_gguf(folder / "big-00002-of-00003.gguf", size=2000)
    write_gguf(folder / "big-00003-of-00003.gguf", size=3000)
    assert find_all() == [ModelOnDisk("big-00001-of-00003", first, 6000, "llama.cpp")]


def test_links_that_lead_in_circles_or_nowhere_end_the_search_not_the_program(home: Path):
    studio = home / ".lmstudio/models"
    studio.mkdir(parents=True)
    (studio / "self").symlink_to(studio)
    (studio / "a.gguf").symlink_to(studio / "b.gguf")
    (studio / "b.gguf").symlink_to(studio / "a.gguf")
    (studio / "gone.gguf").symlink_to(home / "nowhere")
    write_gguf(studio / "publisher/Model/Model.gguf")
    assert found() == [("lm-studio", "Model")]


def test_a_folder_named_like_a_model_is_none(home: Path):
    (home / ".cache/llama.cpp/folder.gguf").mkdir(parents=True)
    assert find_all() == []


@pytest.mark.parametrize(
    "digest",
    ["sha256:../../../../etc/passwd", f"sha256:{'A1' * 32}", "sha256:a1", f"md5:{DIGEST}", "", 7, None, ["x"]],
)
def test_an_ollama_digest_that_is_not_64_hex_digits_leads_nowhere(home: Path, digest: str):
    write_gguf(home / f".ollama/models/blobs/sha256-{DIGEST}")
    write_manifest(home / ".ollama/models", "registry.ollama.ai", "library", "m", "latest", digest=digest)
    assert find_all() == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"layers": 3}', '{"layers": [4]}', "[" * 100_000, "\x00\xff"])
def test_a_damaged_ollama_manifest_is_passed_over(home: Path, text: str):
    store = home / ".ollama/models"
    write_gguf(store / f"blobs/sha256-{DIGEST}")
    write_manifest(store, "registry.ollama.ai", "library", "bad", "latest").write_text(text)
    write_manifest(store, "registry.ollama.ai", "library", "good", "latest")
    assert found() == [("ollama", "good:latest")]


def test_an_ollama_layer_that_is_no_model_is_none(home: Path):
    write_gguf(home / f".ollama/models/blobs/sha256-{DIGEST}")
    write_manifest(home / ".ollama/models", "registry.ollama.ai", "library", "m", "latest", kind="adapter")
    assert find_all() == []


def test_an_added_model_whose_file_is_gone_is_not_listed(tmp_path: Path):
    path = write_gguf(tmp_path / "mine.gguf")
    added.remember("mine", path)
    assert found() == [("added", "mine")]
    path.unlink()
    assert find_all() == []
    assert added.added_models() != []
