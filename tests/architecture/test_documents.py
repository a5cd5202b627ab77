"""What the documents say of the program is what the program is."""

import re
from pathlib import Path

from lantai.cases.rules import workflow
from lantai.ops.main import HEADINGS

CHECKOUT = Path(__file__).resolve().parents[2]
DOCS = CHECKOUT / "docs"
SOURCE = CHECKOUT / "src" / "lantai"


def test_every_command_has_its_heading_in_the_reference() -> None:
    text = (DOCS / "reference" / "command-line.md").read_text()

    missing = [
        command.name
        for commands in HEADINGS.values()
        for command in commands
        if f"## lantai {command.name}\n" not in text
    ]

    assert missing == []


def test_every_ledger_action_is_in_the_reference() -> None:
    text = (DOCS / "reference" / "ledger-actions.md").read_text()
    actions = {
        action
        for path in SOURCE.rglob("*.py")
        for action in re.findall(r'action="([a-z-]+\.[a-z-]+\.[a-z-]+)"', path.read_text())
    }

    assert len(actions) > 20
    assert sorted(action for action in actions if f"`{action}`" not in text) == []


def test_every_setting_from_the_environment_is_in_the_reference() -> None:
    text = (DOCS / "reference" / "settings.md").read_text()
    settings = set(
        re.findall(r"LANTAI_[A-Z0-9_]+|DATABASE_URL", (SOURCE / "settings.py").read_text())
    )

    assert sorted(name for name in settings if f"`{name}`" not in text) == []


def test_the_state_diagram_in_the_documents_is_the_one_the_rules_give() -> None:
    text = (DOCS / "reference" / "case-states.md").read_text()

    assert workflow.diagram().strip() in text


def test_every_model_has_its_word_in_the_glossary() -> None:
    text = (DOCS / "glossary.md").read_text()
    models = {
        name
        for path in SOURCE.glob("*/models.py")
        for name in re.findall(
            r"^class (\w+)\((?:models\.Model|AppendOnly|AbstractBaseUser)",
            path.read_text(),
            re.MULTILINE,
        )
    }

    assert len(models) > 20
    assert sorted(name for name in models if f"`{name}`" not in text) == []


def test_links_between_documents_lead_somewhere() -> None:
    broken = [
        f"{page.relative_to(CHECKOUT)}: {target}"
        for page in [*DOCS.rglob("*.md"), *CHECKOUT.glob("*.md")]
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text())
        if "://" not in target and not (page.parent / target).exists()
    ]

    assert broken == []
