"""Real models' chat templates, and what their own Jinja makes of a conversation."""

from pathlib import Path

from spectra_local.errors import TemplateError
from spectra_local.llama import chat_template, jinja_sandbox
from spectra_local.protocol import Message

DATA = Path(__file__).parents[1] / "llama" / "data"
CHATML_TOKENS = ("<|im_start|>", "<|im_end|>")
LLAMA3_TOKENS = ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")


def messages(*turns) -> list[Message]:
    return [Message(role, content) for role, content in turns]


def template_text(name: str) -> str:
    return (DATA / f"{name}.jinja").read_text()


def own_texts(header, conversations) -> list[str]:
    """What the file's own Jinja makes of each conversation."""
    texts = jinja_sandbox.render(header.chat_template, conversations, chat_template.token_variables(header))
    assert not [each for each in texts if isinstance(each, TemplateError)]
    return texts
