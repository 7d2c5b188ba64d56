"""Ollama's store: a manifest names its layers by digest, and the model layer is a GGUF file among the blobs.

Manifests are text that others wrote: a digest that is not 64 hexadecimal digits is no path of ours.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

_MODEL_LAYER = "application/vnd.ollama.image.model"
# Layers that say how Ollama uses the model; its templates are in a language of its own.
_ADDITIONS = {
    "application/vnd.ollama.image.system": "a system prompt",
    "application/vnd.ollama.image.template": "a template",
    "application/vnd.ollama.image.params": "parameters",
    "application/vnd.ollama.image.adapter": "an adapter",
    "application/vnd.ollama.image.messages": "messages to begin with",
}
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_MAX_MANIFEST = 1 << 20  # bytes; real ones have about a thousand


def models(folder: Path) -> Iterator[tuple[str, Path]]:
    """(name:tag, blob) of every model in an Ollama store; names without their default registry and library."""
    manifests = folder / "manifests"
    # registry / namespace / model / tag; glob descends to that depth alone, whatever the links say
    for manifest in sorted(manifests.glob("*/*/*/*")):
        digest = _model_digest(manifest)
        if digest is not None:
            yield _name(manifest.relative_to(manifests)), folder / "blobs" / f"sha256-{digest}"


def unused_parts(folder: Path, blob: Path) -> list[str]:
    """What Ollama adds to the model in ``blob`` and a GGUF file does not hold, in words."""
    if blob.parent != folder / "blobs":
        return []
    found: dict[str, None] = {}
    for manifest in sorted((folder / "manifests").glob("*/*/*/*")):
        layers = _layers(manifest)
        if any(kind == _MODEL_LAYER and f"sha256-{digest}" == blob.name for kind, digest in layers):
            found.update((_ADDITIONS[kind], None) for kind, _ in layers if kind in _ADDITIONS)
    return list(found)


def _name(manifest: Path) -> str:
    registry, namespace, model, tag = manifest.parts
    place = [part for part in (registry, namespace) if part not in ("registry.ollama.ai", "library")]
    return "/".join([*place, f"{model}:{tag}"])


def _model_digest(manifest: Path) -> str | None:
    """The digest of the one layer that is the model; None where the manifest has none or makes no sense."""
    return next((digest for kind, digest in _layers(manifest) if kind == _MODEL_LAYER), None)


def _layers(manifest: Path) -> list[tuple[str, str]]:
    """Media type and digest of each layer; nothing where the manifest makes no sense."""
    try:
        with manifest.open("rb") as file:
            layers = json.loads(file.read(_MAX_MANIFEST))["layers"]
        pairs = [(str(layer["mediaType"]), _DIGEST.fullmatch(layer["digest"])) for layer in layers]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []
    return [(kind, match[1]) for kind, match in pairs if match]
