"""One family of errors. Each message is a line for people: what is wrong, then what to do about it."""


class SpectraError(Exception):
    """The base of all; ``exit_code`` is what a command that ends by it returns."""

    exit_code = 1


class UsageError(SpectraError):
    """The request itself makes no sense: an empty prompt, an absurd option."""

    exit_code = 2


class ModelNotFoundError(SpectraError):
    """No model of that name or path."""


class ModelFileError(SpectraError):
    """The file is no GGUF, is damaged or hostile, or holds a model that cannot be run."""


class MemoryShortageError(SpectraError):
    """The model needs more memory than is free; the message has both numbers."""


class ModelTooLargeError(MemoryShortageError):
    """The weights alone are larger than the free memory: they could still be read from the disk as they are needed."""


class ContextFullError(SpectraError):
    """The prompt alone does not fit into the context; the message has both numbers."""


class TemplateError(SpectraError):
    """The model has no chat template, or one that cannot be used."""


class DownloadError(SpectraError):
    """A model could not be fetched; what arrived so far is kept and continued next time."""


class WorkerError(SpectraError):
    """The process that runs the model died or stopped answering."""


class StoreError(SpectraError):
    """The database cannot be used, or not for this; learning and saved chats stop, everything else goes on."""
