"""A chat's title by the model: what it is asked, and when its words are good enough. Knows no screen and no store."""

import re
from collections.abc import Generator
from contextlib import closing

from spectra_local.chats.records import conversation_name
from spectra_local.printable import printable_line
from spectra_local.protocol import Assistant, Done, Message, Request, Sampling, Text
from tui.state import Chat, Outcome

ASKED = "Write a title of at most five words for this conversation. Answer with the title alone."
_MOST_TOKENS = 20
_MOST_WORDS = 8  # longer ones are sentences about the conversation
_MOST_CHARACTERS = 60
# A longer exchange is not worth reading again, should its prefix be no longer in the KV cache.
_MOST_CHARACTERS_ASKED = 20_000


def title_request(chat: Chat) -> Request | None:
    """What to ask once the first answer is complete; None where there is nothing to ask."""
    answered = [turn.outcome for turn in chat.turns] == [Outcome.COMPLETE] * 2
    if chat.id is None or chat.incognito or chat.titled or not answered:
        return None
    messages = chat.messages()
    if len(messages) != len(chat.turns) or sum(len(m.content) for m in messages) > _MOST_CHARACTERS_ASKED:
        return None
    return Request(
        messages=(*messages, Message("user", ASKED)),  # behind the chat itself: its KV cache is reused
        sampling=Sampling(repeat_penalty=1.05),
        max_tokens=_MOST_TOKENS,
        conversation=conversation_name(chat.id),  # forgotten with the chat
        background=True,
    )


def titles(assistant: Assistant, request: Request) -> Generator[str, None, None]:
    """The title, if the model makes one."""
    text = ""
    with closing(assistant.generate(request)) as events:
        for event in events:
            if isinstance(event, Text):
                text += event.text
            elif isinstance(event, Done) and event.finish_reason == "stop" and (title := title_in(text)):
                yield title


def title_in(answer: str) -> str:
    """The title in a model's answer; "" where it is none."""
    lines = printable_line(answer.strip().partition("\n")[0]).strip()
    title = re.sub(r"^\W*(?:the )?title\b[^:]*:", "", lines, flags=re.IGNORECASE).strip(" \t\"'`*_#“”«».")
    words = title.split()
    if not words or len(words) > _MOST_WORDS or len(title) > _MOST_CHARACTERS:
        return ""
    return title[0].upper() + title[1:]
