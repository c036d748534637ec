"""Methods, one a file; adding one touches its file and the table here."""

from __future__ import annotations

from pathlib import Path

from generation.errors import UserError
from generation.forms import FORMS, JSON_FORMS
from generation.methods.base import Method
from generation.methods.control_codes import ControlCodes
from generation.methods.eda import Eda
from generation.methods.lora import LabelLora
from generation.methods.mix import Mix
from generation.methods.mixture import MixtureOfSoftPrompts
from generation.methods.paraphrase import Paraphrase
from generation.methods.prompted import Prompted
from generation.methods.pseudo_label import PseudoLabel
from generation.methods.soft_prompts import SoftPrompt
from generation.methods.wanli import Wanli
from generation.parts_in_json import KIND_FORMS

_ADAPTED = (ControlCodes, LabelLora, SoftPrompt, MixtureOfSoftPrompts)
_KINDS = (Prompted, *_ADAPTED, Wanli, Paraphrase, Eda, Mix, PseudoLabel)
METHODS: dict[str, type[Method]] = {method.name: method for method in _KINDS}


def make_method(name: str, form: str, model_folder: Path | None, template: Path | None = None) -> Method:
    """The method called `name`, with the user's template file in place of its own if given. Raises UserError."""
    kind, made = METHODS[name], (FORMS | JSON_FORMS | KIND_FORMS)[form](model_folder)
    if template is None:
        return kind(made, kind.templates[made.layout])
    try:
        return kind(made, template.read_text(encoding="utf-8"), str(template))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"generation.template: {template} cannot be read ({error})") from None
