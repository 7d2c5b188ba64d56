"""What an editor is shown that gets one answer to a request: all of a suggestion where that comes soon, else its first
line. Knows jobs of the queue, neither editors nor models."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from spectra_local.completion.completer import Suggestion
from spectra_local.serving.request_queue import Job

PATIENCE = 0.4  # seconds: what comes later no longer seems to come at once. A GPU has written several lines by then


async def suggested_texts(job: Job) -> list[str]:
    """Those that say something. Cancelled, it cancels ``job``.

    The first line of one that grows slowly is answered alone, and ``job`` goes on: the next request, which comes when
    the line is typed or taken, finds the rest kept.
    """
    started, events = time.monotonic(), job.events()
    texts: list[str] = []
    line = ""
    try:
        while True:
            left = max(0.0, started + PATIENCE - time.monotonic()) if line else None
            item = await asyncio.wait_for(_next(events), left)
            if item is None:
                break
            if isinstance(item, Suggestion) and item.finish_reason == "line":
                line = item.text
            elif isinstance(item, Suggestion) and item.finish_reason != "cancelled" and item.text:
                line = ""
                texts.append(item.text)
    except TimeoutError:
        return [line]
    except BaseException:
        job.cancel()
        raise
    return texts


async def _next(events: AsyncIterator[Any]) -> Any:
    return await anext(events, None)
