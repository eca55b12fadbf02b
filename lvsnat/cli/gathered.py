"""Options that go together, declared once: a command takes them as one value."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import wraps
from inspect import Parameter
from typing import Any, ParamSpec, TypeVar, get_type_hints

from typer.models import ParameterInfo

P = ParamSpec("P")
T = TypeVar("T")


def gathered(command: Callable[P, T]) -> Callable[P, T]:
    """Have Typer see the options of each dataclass that a command takes, instead of it.

    A field is an option if its annotation says so, as a parameter's would; the others keep their
    defaults.
    """
    hints = get_type_hints(command, include_extras=True)
    classes: dict[str, type[Any]] = {}
    parameters: list[Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        hint = hints[name]
        if is_dataclass(hint) and isinstance(hint, type):
            classes[name] = hint
            parameters += _options(hint)
        else:
            parameters.append(parameter.replace(annotation=hint))

    @wraps(command)
    def called(*args: P.args, **kwargs: P.kwargs) -> T:
        for name, kind in classes.items():
            said = {option.name: kwargs.pop(option.name) for option in _options(kind)}
            kwargs[name] = kind(**said)
        return command(*args, **kwargs)

    vars(called)["__signature__"] = inspect.Signature(parameters)
    called.__annotations__ = {one.name: one.annotation for one in parameters}
    return called


def _options(kind: type[Any]) -> Iterator[Parameter]:
    hints = get_type_hints(kind, include_extras=True)
    for one in fields(kind):
        hint = hints[one.name]
        if any(isinstance(said, ParameterInfo) for said in getattr(hint, "__metadata__", ())):
            yield Parameter(
                one.name, Parameter.KEYWORD_ONLY, default=_default(one), annotation=hint
            )


def _default(one: Field[Any]) -> object:
    return Parameter.empty if one.default is MISSING else one.default
