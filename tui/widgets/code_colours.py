"""The colours of code in the editor: the roles of the app's theme, for tree-sitter's names. As calm as in the chat."""

from collections.abc import Mapping

from rich.style import Style
from textual.widgets.text_area import TextAreaTheme

NAME = "roles"
# Names as Textual's highlight queries use them; the roles are those that textual.highlight gives code in the chat.
_ROLES = {
    "text-accent": ("keyword", "keyword.function", "keyword.return", "keyword.operator", "conditional", "repeat",
                    "include", "exception", "storageclass", "type.qualifier", "tag", "function.builtin"),
    "text-success": ("string", "string.special", "text.uri", "text.literal"),
    "text-warning": ("number", "float", "boolean", "constant.builtin", "toml.datetime", "string.escape", "type.class",
                     "function", "method", "function.method", "markup.heading", "heading", "attribute"),
    "text-primary": ("type", "type.builtin", "type.definition", "constructor", "property", "field", "yaml.field",
                     "toml.type", "function.macro", "namespace"),
    "text-secondary": ("variable.builtin", "preproc", "label", "tag.attribute"),
}  # fmt: skip
_MUTED = ("comment", "tag.delimiter")


def code_colours(variables: Mapping[str, str]) -> TextAreaTheme:
    """For a theme's ``variables``, colours by name."""
    from textual.color import Color, ColorParseError

    def colour(role: str) -> Style | None:
        try:
            return Style(color=Color.parse(variables[role]).rich_color)
        except (KeyError, ColorParseError):  # "auto 80%" and such: as the rest of the text
            return None

    styles = {name: style for role, names in _ROLES.items() if (style := colour(role)) for name in names}
    styles |= dict.fromkeys(_MUTED, Style(dim=True))
    return TextAreaTheme(NAME, syntax_styles=styles)
