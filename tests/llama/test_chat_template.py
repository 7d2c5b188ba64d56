"""Chat templates: ours against the models' own, user text that stays text, and templates from strangers."""

import ast
import os
import time
from itertools import pairwise
from pathlib import Path

import pytest
from fakes.headers import header_of
from fakes.templates import CHATML_TOKENS, DATA, LLAMA3_TOKENS, messages, own_texts, template_text

from spectra_local.errors import TemplateError
from spectra_local.llama import chat_template, jinja_sandbox
from spectra_local.llama.chat_families import FAMILIES, ChatMl, Llama2, Llama3, Zephyr
from spectra_local.llama.chat_template import (
    TEMPLATE_NAMES,
    FileTemplate,
    digest,
    find_template,
    says_the_same,
)
from spectra_local.llama.gguf import MAX_TEMPLATE_BYTES, read_header
from spectra_local.llama.prompt_spans import Span, joined
from spectra_local.llama.prompt_tokens import prompt_tokens
from spectra_local.protocol import Message

LLAMA_CPP = Path(os.environ.get("LLAMA_CPP_SOURCE", "/nonexistent"))

CONVERSATIONS = {
    "one question": [("user", "Hello")],
    "with a system message": [("system", "You are a pirate."), ("user", "Hello")],
    "several turns": [
        ("user", "1+1?"),
        ("assistant", "2"),
        ("user", "And 2+2?"),
        ("assistant", "4"),
        ("user", "Thanks"),
    ],
    "system and turns": [("system", "Be brief."), ("user", "Hi"), ("assistant", "Hi there"), ("user", "Who are you?")],
    "space around": [
        ("system", " S \n"),
        ("user", "\n  code:\n\n    x = 1\n"),
        ("assistant", " ok \n"),
        ("user", " y "),
    ],
    "unicode and markup": [("user", "Grüße 🦙 <b>{{ x }}</b> {% if %} 'q' \"d\" \\n")],
}


def assert_same_texts(template, header) -> None:
    conversations = [messages(*turns) for turns in CONVERSATIONS.values()]
    assert [joined(template.render(each)) for each in conversations] == own_texts(header, conversations)


# Each family's text and spans


def test_chatml_keeps_neighbouring_text_together():
    spans = ChatMl(stop=()).render(messages(("system", "Be brief."), ("user", "Hello")))
    assert spans == [
        Span("<|im_start|>", True),
        Span("system\nBe brief.", False),
        Span("<|im_end|>", True),
        Span("\n", False),
        Span("<|im_start|>", True),
        Span("user\nHello", False),
        Span("<|im_end|>", True),
        Span("\n", False),
        Span("<|im_start|>", True),
        Span("assistant\n", False),
    ]


def test_llama3_text():
    spans = Llama3(stop=()).render(messages(("system", " Be brief. "), ("user", "Hello\n")))
    assert joined(spans) == (
        "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n"
    )
    assert spans[0] == Span("<|begin_of_text|><|start_header_id|>", True)
    assert spans[1:4] == [Span("system", False), Span("<|end_header_id|>", True), Span("\n\nBe brief.", False)]


def test_llama3_dates_stand_before_the_system_message_even_where_there_is_none():
    dated = Llama3(stop=(), knowledge_date="December 2023", fixed_day="26 Jul 2024")
    start = (
        "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n"
        "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n"
    )
    assert joined(dated.render(messages(("user", "Hi")))).startswith(start + "<|eot_id|><|start_header_id|>user")
    with_system = joined(dated.render(messages(("system", "Be brief.\n"), ("user", "Hi"))))
    assert with_system.startswith(start + "Be brief.<|eot_id|><|start_header_id|>user")


def test_llama3_reads_its_dates_from_the_files_template():
    fixed = '{%- set date_string = "26 Jul 2024" %}{{- "Cutting Knowledge Date: December 2023\\n" }}'
    assert Llama3.of(header_of(fixed)).knowledge_date == "December 2023"
    assert Llama3.of(header_of(fixed)).fixed_day == "26 Jul 2024"
    assert Llama3.of(header_of("{% set d = strftime_now('%d %b %Y') %}" + fixed)).fixed_day is None
    assert Llama3.of(header_of("{{ bos_token }}")).knowledge_date is None


def test_llama2_puts_the_system_message_into_the_first_instruction():
    spans = Llama2().render(
        messages(("system", "Be brief."), ("user", " Hi "), ("assistant", " Hello. "), ("user", "Bye"))
    )
    assert spans == [
        Span("<s>", True),
        Span("[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\n Hi [/INST] Hello. ", False),
        Span("</s><s>", True),
        Span("[INST] Bye [/INST]", False),
    ]


def test_codellama_speaks_llama2s_format():
    conversation = messages(*CONVERSATIONS["system and turns"])
    header = header_of()
    assert find_template("codellama", header).name == "codellama"
    assert find_template("codellama", header).render(conversation) == Llama2().render(conversation)


def test_zephyrs_role_markers_are_control_tokens_only_in_vocabularies_that_have_them():
    conversation = messages(("user", "Hi"))
    assert Zephyr().render(conversation) == [
        Span("<|user|>\nHi", False),
        Span("</s>", True),
        Span("\n<|assistant|>\n", False),
    ]
    with_tokens = Zephyr.of(header_of(control=("<|user|>", "<|assistant|>")))
    assert with_tokens.render(conversation)[:2] == [Span("<|user|>", True), Span("\nHi", False)]
    assert joined(with_tokens.render(conversation)) == joined(Zephyr().render(conversation))


@pytest.mark.parametrize("name", [family.name for family in FAMILIES])
def test_an_answer_that_was_begun_is_continued(name):
    template = find_template(name, header_of())
    question = messages(("system", "S"), ("user", "Count."))
    begun = joined(template.render([*question, Message("assistant", "One, two,")]))
    assert begun.startswith(joined(template.render(question)))
    assert begun.endswith("One, two,")


def test_neighbouring_spans_differ_in_kind():
    for name in TEMPLATE_NAMES[:-1]:
        spans = find_template(name, header_of()).render(messages(*CONVERSATIONS["system and turns"]))
        assert all(one.special != other.special for one, other in pairwise(spans))
        assert all(span.text for span in spans)


# Ours against the models' own


@pytest.mark.parametrize(
    ("file", "family", "tokens"),
    [
        ("smollm2-instruct", "chatml", {"bos": "<|im_start|>", "eos": "<|im_end|>"}),
        ("qwen2.5-instruct", "chatml", {"bos": "<|endoftext|>", "eos": "<|im_end|>"}),
        ("openhermes-2.5", "chatml", {}),
        ("tinyllama-1.1b-chat-v1.0", "zephyr", {}),
    ],
)
def test_our_family_writes_what_the_models_own_template_writes(file, family, tokens):
    header = header_of(template_text(file), **tokens)
    found = find_template(None, header)
    assert found.name == family
    assert_same_texts(found, header)


# Meta's wording is not repeated here: the same format, written by us.
LLAMA2_LIKE = """
{%- set ns = namespace(sys='') -%}
{%- for m in messages -%}
{%- if m.role == 'system' -%}{%- set ns.sys = '<<SYS>>\\n' ~ m.content ~ '\\n<</SYS>>\\n\\n' -%}
{%- elif m.role == 'user' -%}{{ bos_token ~ '[INST] ' ~ (ns.sys ~ m.content)|trim ~ ' [/INST]' }}{%- set ns.sys = '' -%}
{%- else -%}{{ ' ' ~ m.content|trim ~ ' ' ~ eos_token }}
{%- endif -%}{%- endfor -%}"""
LLAMA3_LIKE = """
{{- bos_token -}}
{%- for m in messages -%}
{{ '<|start_header_id|>' ~ m.role ~ '<|end_header_id|>\\n\\n' ~ m.content|trim ~ '<|eot_id|>' }}
{%- endfor -%}
{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}"""


@pytest.mark.parametrize(("text", "family"), [(LLAMA2_LIKE, "llama2"), (LLAMA3_LIKE, "llama3")])
def test_an_unknown_text_of_a_known_family_is_recognised_by_what_it_writes(text, family):
    header = header_of(text)
    found = find_template(None, header)
    assert found.name == family
    assert_same_texts(found, header)


@pytest.mark.parametrize("file", ["phi-4", "qwen3", "granite-3.0-instruct"])
def test_a_template_that_says_something_else_is_run_as_it_is(file):
    """phi-4 has ChatML's markers but other separators; Qwen 3 takes earlier thoughts out."""
    header = header_of(template_text(file))
    found = find_template(None, header)
    assert found.name == "file"
    conversation = messages(("user", "1"), ("assistant", "<think>\nhm\n</think>\n\n2"), ("user", "3"))
    assert [joined(found.render(conversation))] == own_texts(header, [conversation])


def test_the_files_default_system_message_is_used_only_without_another():
    template = find_template(None, header_of(template_text("smollm2-instruct")))
    assert "named SmolLM" in joined(template.render(messages(("user", "Hi"))))
    assert "named SmolLM" not in joined(template.render(messages(("system", "x"), ("user", "Hi"))))


def test_verified_digests_name_templates_that_do_say_the_same():
    checked = 0
    for path in DATA.glob("*.jinja"):
        header = header_of(path.read_text())
        name = chat_template.VERIFIED.get(digest(header.chat_template))
        if name is not None:
            assert says_the_same(find_template(name, header), header), path
            checked += 1
    assert checked == 4


@pytest.mark.model
def test_smollm2s_own_template(smollm2_path):
    header = read_header(smollm2_path)
    found = find_template(None, header)
    assert (found.name, found.stop) == ("chatml", ())
    assert_same_texts(found, header)


@pytest.mark.model
def test_spans_give_the_tokens_that_the_whole_prompt_gives(smollm2):
    template = find_template(None, smollm2.header)
    for conversation in CONVERSATIONS.values():
        spans = template.render(messages(*conversation))
        assert prompt_tokens(spans, smollm2) == smollm2.tokenize(joined(spans), special=True)


def published_templates() -> dict[str, str]:
    """All that llama.cpp and llama-cpp-python collect, Meta's among them."""
    texts = {path.name: path.read_text() for path in (LLAMA_CPP / "models" / "templates").glob("*.jinja")}
    source = LLAMA_CPP.parent.parent / "llama_cpp" / "llama_chat_format.py"
    for node in ast.parse(source.read_text()).body if source.exists() else ():
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and "{%" in str(node.value.value):
            texts[ast.unparse(node.targets[0])] = node.value.value
    return texts


@pytest.mark.skipif(not LLAMA_CPP.is_dir(), reason="LLAMA_CPP_SOURCE names no llama.cpp source tree")
def test_whatever_family_is_found_writes_what_the_template_writes():
    """With the llama-cpp-python source distribution's vendor/llama.cpp: 70 templates."""
    found = {}
    for name, text in published_templates().items():
        header = header_of(text)
        template = find_template(None, header)
        found[name] = template.name
        if template.name != "file":
            assert_same_texts(template, header)
    assert found["meta-llama-Llama-3.1-8B-Instruct.jinja"] == "llama3"
    assert found["meta-llama-Llama-3.2-3B-Instruct.jinja"] == "llama3"
    assert found["LLAMA3_INSTRUCT_CHAT_TEMPLATE"] == "llama3"
    assert found["Qwen-Qwen3-0.6B.jinja"] == "file"
    assert found["google-gemma-2-2b-it.jinja"] == "file"


# Names


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("codellama_codellama-7b-instruct-hf", "codellama"),
        ("LLaMA v2 / Llama-2-7b-Chat", "llama2"),
        ("Meta-Llama-3-8B-Instruct", "llama3"),
        ("TinyLlama 1.1B Chat v0.6", "zephyr"),
        ("Zephyr 7B Beta", "zephyr"),
        ("Qwen1.5-0.5B-Chat", "chatml"),
    ],
)
def test_a_file_without_a_template_is_known_by_its_name(model, family):
    assert find_template(None, header_of(name=model)).name == family


def test_a_model_of_unknown_format_lists_the_templates():
    with pytest.raises(TemplateError) as caught:
        find_template(None, header_of(name="CodeLlama 7B"))
    assert all(f"--template {name}" in str(caught.value) for name in ("llama2", "llama3", "chatml", "zephyr"))
    assert "base model, 'ask --raw'" in str(caught.value) and "\n" not in str(caught.value)


def test_a_name_that_does_not_exist_lists_the_templates():
    with pytest.raises(TemplateError, match="--template chatml"):
        find_template("klingon\x1b[2J", header_of())


def test_a_named_template_is_used_whatever_the_file_says():
    assert find_template("zephyr", header_of(template_text("smollm2-instruct"))).name == "zephyr"
    assert find_template("file", header_of(template_text("smollm2-instruct"))).name == "file"
    with pytest.raises(TemplateError, match="no chat template of its own"):
        find_template("file", header_of())


def test_answers_stop_at_the_text_of_the_end_where_the_vocabulary_has_no_token_for_it():
    assert find_template("chatml", header_of()).stop == ("<|im_end|>",)
    assert find_template("chatml", header_of(control=CHATML_TOKENS)).stop == ()
    assert find_template("llama3", header_of(control=LLAMA3_TOKENS)).stop == ()


# The file's own template


def test_the_files_template_continues_an_answer():
    header = header_of(template_text("granite-3.0-instruct"))
    template = FileTemplate(header)
    question = messages(("user", "Count."))
    begun = template.render([*question, Message("assistant", "One,")])
    assert joined(begun) == joined(template.render(question)) + "One,"


def test_a_refusal_of_the_template_is_one_line():
    header = header_of("{{ raise_exception('System role\n not \x1b[31msupported') }}")
    with pytest.raises(TemplateError) as caught:
        FileTemplate(header).render(messages(("user", "Hi")))
    assert "System role␊ not ␛[31msupported" in str(caught.value)
    assert str(caught.value).isprintable()


def test_templates_get_what_transformers_gives_them():
    text = (
        "{% for m in messages %}{% if loop.index0 == 1 %}{% break %}{% endif %}\n"
        "  {% generation %}{{ m.content|tojson }}{% endgeneration %}{% endfor %}"
        "{{ bos_token }}{{ tools is none }}{{ add_generation_prompt }}{{ strftime_now('%Y') }}"
        "{{ pad_token is defined }}"
    )
    now = time.mktime((2024, 7, 26, 12, 0, 0, 0, 0, -1))
    (text,) = jinja_sandbox.render(text, [messages(("user", "<é>"), ("user", "b"))], {"bos_token": "<s>"}, now)
    assert text == '"<é>"<s>TrueTrue2024False'


def test_a_template_of_absurd_length_is_refused():
    with pytest.raises(TemplateError, match="more than 64 KB"):
        find_template(None, header_of("<|im_start|>" + "x" * MAX_TEMPLATE_BYTES))


def test_a_long_conversation_is_rendered():
    header = header_of(template_text("phi-4"))
    content = "word <|im_end|> " * 100_000
    assert joined(FileTemplate(header).render(messages(("user", content)))).count(content) == 1


@pytest.mark.timeout(60)
def test_a_process_that_waits_long_for_its_processor_still_answers(tmp_path, monkeypatch):
    """Only the CPU time that the template itself takes is limited."""
    waiting = tmp_path / "waiting.py"
    program = jinja_sandbox.PROGRAM
    waiting.write_text(f"import runpy, time\ntime.sleep(2.5)\nrunpy.run_path({str(program)!r}, run_name='__main__')\n")
    monkeypatch.setattr(jinja_sandbox, "PROGRAM", waiting)
    assert jinja_sandbox.render("{{ messages[0].content }}", [messages(("user", "Hi"))], {}) == ["Hi"]
