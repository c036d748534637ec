"""`python -m generation.adapters FOLDER --model MODEL`: seal an adapter."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from generation.adapters.seal import PROMPT, seal_adapter
from generation.errors import UserError
from generation.models import EMBEDDED_LM, resolve_model


def main() -> int:
    """Exit code 0, or 2 with one line for what the user can mend."""
    parser = argparse.ArgumentParser(prog="python -m generation.adapters", description="Seal an adapter: measure it.")
    parser.add_argument("folder", type=Path, help="a LoRA in PEFT's layout, or a soft prompt")
    parser.add_argument("--model", default=EMBEDDED_LM, help="the base model: the embedded LM (default) or a folder")
    parser.add_argument("--prompt", default=PROMPT, help="a prompt on which the adapter has an effect")
    options = parser.parse_args()
    try:
        adapter = seal_adapter(options.folder, resolve_model(options.model), options.prompt)
    except UserError as error:
        print(f"labelmill: {error}", file=sys.stderr)
        return 2
    print(f"{adapter.name}: sealed as {adapter.id}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
