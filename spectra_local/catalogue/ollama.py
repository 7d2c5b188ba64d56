"""Ollama's store: a manifest names its layers by digest, and the model layer is a GGUF file among the blobs.

Manifests are text that others wrote: a digest that is not 64 hexadecimal digits is no path of ours.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

_MODEL_LAYER = "application/vnd.ollama.image.model"
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


def _name(manifest: Path) -> str:
    registry, namespace, model, tag = manifest.parts
    place = [part for part in (registry, namespace) if part not in ("registry.ollama.ai", "library")]
    return "/".join([*place, f"{model}:{tag}"])


def _model_digest(manifest: Path) -> str | None:
    """The digest of the one layer that is the model; None where the manifest has none or makes no sense."""
    try:
        with manifest.open("rb") as file:
            layers = json.loads(file.read(_MAX_MANIFEST))["layers"]
        digests = [layer["digest"] for layer in layers if layer["mediaType"] == _MODEL_LAYER]
        match = _DIGEST.fullmatch(digests[0])
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError):
        return None
    return match[1] if match else None
