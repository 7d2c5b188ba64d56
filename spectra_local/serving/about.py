"""What the server says of itself and its model: ``/``, ``/health``, ``/models``, ``/props``, as llama-server does."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import anyio
from starlette.requests import Request as HttpRequest
from starlette.responses import PlainTextResponse, Response

from spectra_local import __version__
from spectra_local.errors import SpectraError
from spectra_local.llama.gguf import read_header
from spectra_local.protocol import Sampling
from spectra_local.serving.answers import Service
from spectra_local.serving.fields import RequestError
from spectra_local.serving.openai import MOST_ANSWERS, MOST_LOGPROBS
from spectra_local.serving.replies import json_reply

_ANY_SEED = 0xFFFFFFFF  # llama.cpp's word for a fresh one each time

_HERE = """spectra-chat {version} answers here: a language model on this machine, for editors and other programs.

POST /v1/chat/completions   as OpenAI's clients ask
POST /v1/completions        raw text continued, or a gap filled
POST /infill                as llama.vim and llama.vscode ask
GET  /v1/models  /props  /health  /metrics
"""


def about(service: Service) -> dict[str, Callable[[HttpRequest], Awaitable[Response]]]:
    """Answers by path."""
    started = int(time.time())

    async def here(http: HttpRequest) -> Response:
        return PlainTextResponse(_HERE.format(version=__version__))

    async def health(http: HttpRequest) -> Response:
        return json_reply({"status": "ok"})

    async def models(http: HttpRequest) -> Response:
        return json_reply({"object": "list", "data": [_model(service, started)]})

    async def model(http: HttpRequest) -> Response:
        named = http.path_params["name"]
        if named.lower() != service.model_id.lower():
            raise RequestError(
                f"there is no such model here, only {service.model_id}", status=404, code="model_not_found"
            )
        return json_reply(_model(service, started))

    async def props(http: HttpRequest) -> Response:
        info = service.queue.info
        texts = await anyio.to_thread.run_sync(_texts_of, info.path)
        settings = {"id": 0, "n_ctx": info.n_ctx, "speculative": True, "is_processing": bool(service.queue.n_running)}
        return json_reply(
            {
                "default_generation_settings": {**settings, "params": _params(service)},
                "total_slots": 1,
                "model_alias": service.model_id,
                "model_path": info.path,
                "modalities": {"vision": False, "audio": False},
                **texts,
                "build_info": f"spectra-chat {__version__}",
                "is_sleeping": False,
            }
        )

    return {
        "/": here,
        "/health": health,
        "/models": models,
        "/models/{name:path}": model,
        "/props": props,
    }


def _model(service: Service, started: int) -> dict[str, object]:
    info = service.queue.info
    meta = {"n_vocab": info.n_vocab, "n_ctx": info.n_ctx, "n_ctx_train": info.n_ctx_train, "n_params": info.n_params}
    owner = {"object": "model", "created": started, "owned_by": "spectra-chat"}
    return {"id": service.model_id, **owner, "meta": {**meta, "size": info.size_bytes}}


def _params(service: Service) -> dict[str, Any]:
    """How tokens are drawn for who does not say."""
    plain = asdict(Sampling())
    names = (
        "temperature",
        "top_k",
        "top_p",
        "min_p",
        "repeat_penalty",
        "repeat_last_n",
        "frequency_penalty",
        "presence_penalty",
        "dry_multiplier",
        "logit_bias",
    )
    asked = {"n": 1, "n_probs": 0, "stop": [], "max_n": MOST_ANSWERS, "max_logprobs": MOST_LOGPROBS}
    return {"n_predict": service.max_tokens, "seed": _ANY_SEED, **{name: plain[name] for name in names}, **asked}


@cache
def _texts_of(path: str) -> dict[str, Any]:
    """What only the model's file says: a large vocabulary takes a while to read, so it is read once and when asked."""
    try:
        header = read_header(Path(path))
    except SpectraError:  # it is gone since it was loaded
        return {"chat_template": "", "bos_token": "", "eos_token": ""}
    ends = {f"{name}_token": header.token_texts.get(name, "") for name in ("bos", "eos")}
    return {"chat_template": header.chat_template, **ends}
