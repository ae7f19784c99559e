"""The exit codes of commands, as their help lists them."""

from collections.abc import Mapping

_OF_ALL = {
    0: "success",
    1: "an error, which the message explains",
    2: "the command line is wrong",
}


def exit_codes(own: Mapping[int, str] | None = None) -> str:
    """Return the end of a command's help: the codes of all commands, and what the command's own say instead."""
    meanings = sorted((_OF_ALL | dict(own or {})).items())
    return "\n".join(["\b", "Exit codes:", *(f"  {code}  {says}" for code, says in meanings)])
