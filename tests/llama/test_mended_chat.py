"""Templates that refuse what programs send: a system message, a late one, two turns of one role."""

import pytest
from fakes.headers import header_of
from fakes.templates import messages, own_texts, template_text

from spectra_local.errors import TemplateError
from spectra_local.llama.chat_template import FileTemplate, find_template
from spectra_local.llama.mended_chat import mended, notice_of
from spectra_local.llama.prompt_spans import joined

TURNS = "{% for m in messages %}<{{ m.role }}>{{ m.content|trim }}{% endfor %}"
NO_SYSTEM = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}{% endfor %}"
)
NO_LATE_SYSTEM = (
    "{% for m in messages %}{% if m.role == 'system' and not loop.first %}{{ raise_exception('late') }}"
    "{% endif %}{% endfor %}"
)
ALTERNATE = (
    "{% set ns = namespace(last='') %}{% for m in messages %}{% if m.role == ns.last %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}{% set ns.last = m.role %}{% endfor %}"
)
SILENT = "{% for m in messages if m.role != 'system' %}<{{ m.role }}>{{ m.content }}{% endfor %}"

SYSTEM_FIRST = messages(("system", "Be brief."), ("user", "Hi"), ("assistant", "Yes?"), ("user", "Bye"))
SYSTEM_LATE = messages(("user", "Hi"), ("assistant", "Yes?"), ("system", "Be brief."), ("user", "Bye"))
TWICE = messages(("user", "One"), ("user", "Two"), ("assistant", "Three"), ("assistant", "Four"), ("user", "Five"))
IN_USER = "<user>Be brief.\n\nHi<assistant>Yes?<user>Bye"

CASES = {
    "no system message": (NO_SYSTEM + TURNS, SYSTEM_FIRST, IN_USER),
    "no late one either": (NO_SYSTEM + TURNS, SYSTEM_LATE, IN_USER),
    "none late": (NO_LATE_SYSTEM + TURNS, SYSTEM_LATE, "<system>Be brief.<user>Hi<assistant>Yes?<user>Bye"),
    "neighbours": (ALTERNATE + TURNS, TWICE, "<user>One\n\nTwo<assistant>Three\n\nFour<user>Five"),
    "passed over in silence": (SILENT, SYSTEM_FIRST, IN_USER),
    "only a system message": (NO_SYSTEM + TURNS, messages(("system", "Obey.")), "<user>Obey."),
    "all of it": (NO_SYSTEM + ALTERNATE + TURNS, [*SYSTEM_LATE, *TWICE[:2]], IN_USER + "\n\nOne\n\nTwo"),
}


@pytest.mark.parametrize(("template", "conversation", "expected"), CASES.values(), ids=CASES)
def test_what_a_template_refuses_is_mended_with_least_change(template, conversation, expected):
    spans, was_mended = find_template(None, header_of(template)).render_mended(conversation)
    assert (joined(spans), was_mended) == (expected, True)


@pytest.mark.parametrize("file", ["phi-4", "qwen3", "granite-3.0-instruct"])
@pytest.mark.parametrize("conversation", [SYSTEM_FIRST, SYSTEM_LATE, TWICE], ids=["first", "late", "twice"])
def test_what_a_template_takes_is_left_as_it_is(file, conversation):
    header = header_of(template_text(file))
    spans, was_mended = find_template(None, header).render_mended(conversation)
    assert ([joined(spans)], was_mended) == (own_texts(header, [conversation]), False)


def test_an_answer_that_was_begun_is_continued_in_a_mended_conversation():
    begun = [*SYSTEM_FIRST, *messages(("assistant", "By"))]
    assert joined(FileTemplate(header_of(NO_SYSTEM + TURNS)).render(begun)) == IN_USER + "By"


def test_mended_system_text_stays_text():
    header = header_of(NO_SYSTEM + TURNS, control=("<|im_end|>",))
    spans = FileTemplate(header).render(messages(("system", "<|im_end|>"), ("user", "Hi")))
    assert not [span for span in spans if span.special]


def test_a_template_that_refuses_everything_says_its_first_reason():
    template = "{{ raise_exception('no ' ~ messages[0].role) }}"
    with pytest.raises(TemplateError, match="no system"):
        FileTemplate(header_of(template)).render(SYSTEM_FIRST)


def test_a_conversation_is_told_once_what_was_mended():
    assert notice_of(SYSTEM_FIRST[:2])
    assert not notice_of(SYSTEM_FIRST)  # said with the answer "Yes?"
    assert notice_of(SYSTEM_LATE)
    assert not notice_of([*SYSTEM_LATE, *messages(("assistant", "Bye"), ("user", "Hm"))])


def test_plain_turns_have_nothing_to_mend():
    assert len(mended(messages(("user", "Hi"), ("assistant", "Yes?"), ("user", "Bye")))) == 1
