"""What the installed llama.cpp says of itself, asked in a process that may die of it: a build for another processor
ends as soon as it is used. Run as ``python -m spectra_local.llama.facts``, it prints one JSON object.
"""

import json
import signal
import subprocess

from spectra_local.errors import SpectraError
from spectra_local.llama import library
from spectra_local.python_process import module_command

_SECONDS = 60  # a GPU's driver may take some


def native_facts() -> dict[str, str]:
    """Of the library: "backend", "devices", "system". Raises SpectraError where it cannot be loaded."""
    command = module_command("spectra_local.llama.facts")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)
        facts: dict[str, str] = json.loads(done.stdout)
        return facts
    except subprocess.TimeoutExpired as error:
        raise SpectraError(f"llama-cpp-python did not answer within {_SECONDS} s") from error
    except ValueError as error:
        raise SpectraError(_why(done.returncode, done.stderr)) from error


def _why(code: int, words: str) -> str:
    last = words.strip().splitlines()[-1:] or [f"exit code {code}"]
    how = f"ends by {signal.Signals(-code).name}" if code < 0 else f"cannot be loaded: {last[0]}"
    return f"llama-cpp-python {how}; build it again: {library.better_build()}"


def _print() -> None:
    import platform

    from spectra_local.llama import native

    native.start()
    devices = native.gpu_names()
    facts = {
        "backend": "GPU" if devices else "CPU",
        "devices": ", ".join(devices) or f"{platform.machine()} CPU, {native.default_threads()} threads",
        "system": native.system_info(),
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    _print()
