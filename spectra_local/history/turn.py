"""One turn as it is kept: who wrote it where, its text, its tokens. Knows the checksum, no database."""

import struct
from dataclasses import KW_ONLY, dataclass
from hashlib import blake2b
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Origin = Literal["user", "model"]
Kind = Literal["chat", "complete", "edit"]
LayerKind = Literal["own", "import", "corpus"]
OWN = "own"  # the layer of what happened here
TOKEN = np.dtype("<i4")
Tokens = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """``tokens``: int32, any length; they may hold what the template adds around ``text``."""

    conversation: str
    origin: Origin
    fingerprint: str  # of the tokenizer
    text: str
    _: KW_ONLY
    tokens: NDArray[np.int32]
    ts: float  # seconds since 1970
    kind: Kind = "chat"
    layer: str = OWN
    id: int = 0  # 0: not stored yet
    beyond: str = ""  # what the tokens say beside ``text``: a system prompt, files, words of the template

    def checksum(self, layer_id: int) -> bytes:
        """Of every field but ``id``; the layer by its number, so that a row cannot wander between layers."""
        digest = blake2b(struct.pack("<dq", self.ts, layer_id), digest_size=16)
        for field in (self.conversation, self.origin, self.kind, self.fingerprint, self.text):
            encoded = field.encode("utf-8", "surrogatepass")
            digest.update(struct.pack("<q", len(encoded)))
            digest.update(encoded)
        digest.update(np.ascontiguousarray(self.tokens, TOKEN).tobytes())
        digest.update(self.beyond.encode("utf-8", "surrogatepass"))  # nothing in rows older than this field
        return digest.digest()


def said_beyond(said: str, text: str) -> str:
    """What of ``said``, all that a turn's tokens say, is not its ``text``."""
    shown = text.strip()
    before, found, after = said.partition(shown) if shown else (said, "", "")
    return (f"{before}\n{after}" if found else said).strip()
