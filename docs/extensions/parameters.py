"""Lists parameters whole: of a class with those of its bases, of a decorator those of the operators' base.

Their docstrings do not repeat them.
"""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from typing import Any

from sphinx.application import Sphinx

PACKAGE = "airflow_provider_cdf_records"
FIELD = re.compile(r":param (\w+):")
DECORATOR = re.compile(r".*\.cdf_records_(?:upsert|ingest|delete)")
OF_BASES = re.compile(r"The (?:other )?parameters are those of .*?(?:\n\n|\Z)", re.DOTALL)


def setup(app: Sphinx) -> dict[str, Any]:
    """Have all classes pass through here."""
    app.connect("autodoc-process-docstring", _add_parameters)
    app.connect("autodoc-process-signature", _join_signatures)
    app.connect("missing-reference", _by_last_name)
    return {"parallel_read_safe": True}


def bases_of(cls: type) -> list[type]:
    """Return a class of the package with its bases that are of it, too."""
    return [base for base in inspect.getmro(cls) if base.__module__.startswith(PACKAGE)]


def fields_of(docstring: str) -> dict[str, str]:
    """Return the parameters that a docstring explains, each with its whole field."""
    fields = {}
    for block in re.split(r"\n(?=:)", docstring):
        if found := FIELD.match(block):
            fields[found[1]] = block.partition("\n\n")[0].rstrip()
    return fields


def parameters_of(cls: type) -> list[inspect.Parameter]:
    """Return what a class and its bases of the package take by name."""
    found: dict[str, inspect.Parameter] = {}
    for base in bases_of(cls):
        if "__init__" in vars(base):
            for parameter in inspect.signature(vars(base)["__init__"]).parameters.values():
                found.setdefault(parameter.name, parameter.replace(annotation=inspect.Parameter.empty))
    more = [one for one in found.values() if one.kind is inspect.Parameter.VAR_KEYWORD]
    named = [one for one in found.values() if one.name != "self" and one not in more]
    return [*sorted(named, key=lambda one: (one.kind, one.default is not one.empty)), *more[:1]]


def _documented(what: str, name: str, found: Any) -> tuple[type | None, list[type]]:
    """Return the class whose parameters are listed, and the classes that explain the others of them."""
    if DECORATOR.fullmatch(name):
        operator = import_module(f"{PACKAGE}.operators.base").CdfRecordsLoadOperator
        return operator, bases_of(operator)
    if what == "class" and isinstance(found, type):
        return found, bases_of(found)[1:]
    return None, []


def _add_parameters(app: Sphinx, what: str, name: str, cls: Any, options: Any, lines: list[str]) -> None:
    cls, bases = _documented(what, name, cls)
    if cls is None:
        return
    text = OF_BASES.sub("", "\n".join(lines))
    own = fields_of(text)
    taken = {parameter.name for parameter in parameters_of(cls)}
    more: dict[str, str] = {}
    for base in bases:
        for parameter, field in fields_of(inspect.getdoc(base) or "").items():
            if parameter not in own and parameter in taken:
                more.setdefault(parameter, field)
    lines[:] = [
        *text.rstrip().splitlines(),
        *([] if own else [""]),
        *"\n".join(more.values()).splitlines(),
        "",
    ]


def _by_last_name(app: Sphinx, env: Any, node: Any, content: Any) -> Any:
    """Resolve a name without its module, as that of an error after ``:raises``, where only one ends so."""
    if node.get("refdomain") != "py" or "." in node["reftarget"]:
        return None
    domain = env.get_domain("py")
    found = [name for name in domain.objects if name.endswith("." + node["reftarget"])]
    if len(found) != 1:
        return None
    return domain.resolve_xref(env, node["refdoc"], app.builder, node["reftype"], found[0], node, content)


def _join_signatures(
    app: Sphinx, what: str, name: str, cls: Any, options: Any, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    cls, bases = _documented(what, name, cls)
    if not bases:
        return signature, returns
    parameters = parameters_of(cls)
    return (str(inspect.Signature(parameters)), returns) if parameters else (signature, returns)
