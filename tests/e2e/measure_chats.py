"""Prints how quick the chats are with a full store: python tests/e2e/measure_chats.py [--chats 5000]

Search: the slowest of typical words. Opening: a 500-message chat until its end is laid out, in a headless app.
First frame: launch to first text, through a pty.
"""

import argparse
import asyncio
import itertools
import os
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

N_LONG = 500
# In nearly every message, so that their lists are the longest there can be.
COMMON = ("the", "a", "model", "token", "draft", "verify", "quick", "brown", "fox", "jumps", "over", "lazy", "dogs")
N_WORDS, N_HAN = 20_000, 3_000  # of the other words and of Chinese characters, drawn as Zipf has them
CHINESE_SHARE = 5  # every fifth chat
SEARCHES = (
    "w1234",
    "quick",
    "quick brown",
    "quick brow",
    "the",
    "t",
    "th",
    "w12 w13",
    "nowhere",
    "今",
    "今天",
    "很好 今",
)
ANSWER = """Reversing a list takes *one* of these:

1. `reversed(items)` walks it from the end,
2. `items[::-1]` makes a copy.

```python
def flipped(items: list[int]) -> list[int]:
    \"\"\"A copy, from the end to the beginning.\"\"\"
    return items[::-1]
```

| way | copies |
|---|---|
| `reversed` | no |
| slice | yes |

{words}
"""


def main() -> None:
    """Fills a store in a temporary home, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chats", type=int, default=5000)
    parser.add_argument("--home", help="a folder that keeps the store; where it has one, that is measured")
    parser.add_argument("--fill", action="store_true", help="measure nothing")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["SPECTRA_HOME"] = options.home or temporary
        long_chat = filled() or fill(options.chats)
        if options.fill:
            return
        measure_search()
        print(f"open a chat of {N_LONG} messages: {asyncio.run(opening(long_chat)) * 1000:.0f} ms")
        from e2e.measure import first_frame

        frames = sorted(first_frame() for _ in range(5))
        print(f"first frame: median {frames[2]:.2f} s, slowest {frames[-1]:.2f} s")


class Zipf:
    """Draws words, the first of them most often."""

    def __init__(self, draw: random.Random, words: list[str]) -> None:
        self._draw, self._words = draw, words
        self._weights = list(itertools.accumulate(1 / rank for rank in range(1, len(words) + 1)))

    def draw(self, n: int) -> list[str]:
        return self._draw.choices(self._words, cum_weights=self._weights, k=n)


def filled() -> int | None:
    """The long chat of a store that is there already; it is the newest."""
    from tui.archive import Archive

    archive = Archive()
    newest = archive.chats(1)
    archive.close()
    return newest[0].id if newest else None


def fill(n_chats: int) -> int:
    """Chats of 50 messages, and one of 500; its id."""
    from spectra_local.chats.records import SavedMessage, Tree
    from spectra_local.chats.store import ChatStore
    from spectra_local.history.database import Database

    draw = random.Random(1)
    database = Database()
    database.connection.execute("PRAGMA synchronous = OFF")
    store, chat, began = ChatStore(database), 0, time.monotonic()
    words, han = Zipf(draw, [f"w{n}" for n in range(N_WORDS)]), Zipf(draw, [chr(0x4E00 + n) for n in range(N_HAN)])
    for number in range(n_chats + 1):
        n = N_LONG if number == n_chats else 50
        if number == n_chats:
            texts = [ANSWER.format(words=" ".join(words.draw(60))) if i % 2 else "How?" for i in range(n)]
        elif number % CHINESE_SHARE == 1:
            texts = ["".join(han.draw(80)) + "今天天气很好。" * (draw.random() < 0.01) for _ in range(n)]
        else:
            texts = [" ".join([*words.draw(40), *draw.choices(COMMON, k=10)]) for _ in range(n)]
        messages = [SavedMessage(i + 1, i or None, "assistant" if i % 2 else "user", t) for i, t in enumerate(texts)]
        chat = store.insert(Tree(f"chat {number}", tuple(messages), n))
    size = database.path.stat().st_size / 1e6
    print(f"{n_chats:,} chats of 50 messages: {size:.0f} MB, filled in {time.monotonic() - began:.0f} s")
    database.close()
    return chat


def measure_search() -> None:
    """Prints the slowest of three searches for each word."""
    from tui.archive import Archive

    archive = Archive()
    for words in SEARCHES:
        seconds = []
        for _ in range(3):
            began = time.monotonic()
            hits = archive.search(words)
            seconds.append(time.monotonic() - began)
        print(f"search {words!r}: {max(seconds) * 1000:.1f} ms, {len(hits)} hits")
    archive.close()


async def opening(chat: int) -> float:
    """Seconds from the choice to the laid out end."""
    from fakes.scripted import ScriptedAssistant

    from tui.app import ChatApp
    from tui.screens.chat import ChatScreen
    from tui.widgets.markdown.body import MarkdownBody

    app = ChatApp(ScriptedAssistant)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        screen = app.screen_stack[0]
        assert isinstance(screen, ChatScreen)
        while not screen.query(MarkdownBody):
            await pilot.pause()
        await screen.show_chat(type(screen.state.chat)())
        began = time.monotonic()
        await screen.open_chat(chat)
        while not screen.query(MarkdownBody) or not screen.query(MarkdownBody).last().size.height:
            await asyncio.sleep(0)
        return time.monotonic() - began


if __name__ == "__main__":
    main()
