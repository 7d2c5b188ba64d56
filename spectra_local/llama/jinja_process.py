"""The process that runs a model file's own chat template; started by ``jinja_sandbox``, never imported.

Standard library and Jinja only, so that it starts fast. One JSON object on stdin, one on stdout. Jinja's sandbox keeps
a template from Python's insides (CVE-2024-34359); the limits keep it from memory and time.
"""

import json
import math
import resource
import sys
from datetime import datetime
from typing import Any, NoReturn

from jinja2 import TemplateError
from jinja2.ext import Extension, loopcontrols
from jinja2.nodes import CallBlock, Node
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

_MEMORY = 256 << 20  # bytes above what the started process has
_CPU_SECONDS = 2  # for compilation and rendering, beyond what the start took
_OUTPUT_SLACK = 1 << 20  # characters that all prompts together may have above twice their contents
_ALLOWED_GLOBALS = ("range", "dict", "namespace", "cycler", "joiner")


class _GenerationTag(Extension):
    """``{% generation %}``: marks the assistant's text for training (Transformers); here it only shows its body."""

    tags = {"generation"}  # noqa: RUF012  (Jinja's own declaration)

    def parse(self, parser: Parser) -> Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller: Any) -> Any:
        return caller()


def _raise_exception(message: object) -> NoReturn:
    raise TemplateError(str(message))


def _tojson(value: object, ensure_ascii: bool = False, **options: Any) -> str:
    """As Transformers has it: Jinja's own escapes for HTML."""
    allowed = {key: options[key] for key in ("indent", "separators", "sort_keys") if key in options}
    return json.dumps(value, ensure_ascii=ensure_ascii, **allowed)


def _environment(now: float) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_GenerationTag, loopcontrols]
    )
    environment.globals = {name: environment.globals[name] for name in _ALLOWED_GLOBALS}
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = lambda form: datetime.fromtimestamp(now).strftime(form)
    environment.filters["tojson"] = _tojson
    return environment


def _limit() -> None:
    """Memory, CPU, nothing to write. Where the system knows no such limit, the parent's clock holds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = math.ceil(used.ru_utime + used.ru_stime) + _CPU_SECONDS
    limits = [
        (resource.RLIMIT_CPU, seconds, seconds + 1),  # at the first SIGXCPU, which tells the parent why; then SIGKILL
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_FSIZE, 0, 0),
    ]
    try:
        with open("/proc/self/statm") as statm:  # noqa: PTH123  (pathlib costs 10 ms of start)
            memory = int(statm.read().split()[0]) * resource.getpagesize() + _MEMORY
            limits.append((resource.RLIMIT_AS, memory, memory))
    except OSError:
        pass  # no Linux
    for kind, soft, hard in limits:
        try:
            resource.setrlimit(kind, (soft, hard))
        except (OSError, ValueError):
            continue


def _render_all(request: dict[str, Any]) -> dict[str, Any]:
    template = _environment(request["now"]).from_string(request["template"])
    results: list[dict[str, str]] = []
    left = _OUTPUT_SLACK + 2 * sum(len(each["content"]) for turns in request["conversations"] for each in turns)
    for messages in request["conversations"]:
        pieces = []
        try:
            # What Transformers hands to a template; a token that the file does not name is not defined.
            for piece in template.generate(
                messages=messages, tools=None, documents=None, add_generation_prompt=True, **request["tokens"]
            ):
                left -= len(piece)
                if left < 0:
                    return {"error": "it writes without end"}
                pieces.append(piece)
        except Exception as error:  # whatever the template does is the template's error
            results.append({"error": _reason(error)})
        else:
            results.append({"text": "".join(pieces)})
    return {"results": results}


def _reason(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "it takes too much memory"
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    return str(error)[:300] or type(error).__name__


def main() -> None:
    """Reads one request, limits itself, answers it."""
    request = json.loads(sys.stdin.buffer.read())
    _limit()
    try:
        answer = _render_all(request)
    except Exception as error:  # syntax errors of the template, and whatever its compilation runs into
        answer = {"error": _reason(error)}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
