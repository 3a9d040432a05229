"""Forms of connections, as Airflow before 3.2 wants them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any


def connection_form_widgets(fields: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the fields of a connection's form as Airflow before 3.2 wants them, made of ``conn-fields``.

    :raises ImportError: without the web UI's packages; Airflow expects that.
    """
    forms, look = import_module("wtforms"), import_module("flask_appbuilder.fieldwidgets")
    optional = import_module("wtforms.validators").Optional
    widgets = {}
    for name, field in fields.items():
        schema = field["schema"]
        secret = schema.get("format") == "password"
        kind = "PasswordField" if secret else "IntegerField" if "integer" in schema["type"] else "StringField"
        widgets[name] = getattr(forms, kind)(
            field["label"],
            validators=[optional()],
            description=field["description"],
            widget=look.BS3PasswordFieldWidget() if secret else look.BS3TextFieldWidget(),
        )
    return widgets
