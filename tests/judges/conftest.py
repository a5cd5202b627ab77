"""Who judged, and who was not there, stands at the end of every run."""

import pytest
from judges import panel


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.section("judges", sep="=")
    for line in panel.summary():
        absent = line.startswith("JUDGE")
        terminalreporter.write_line(line, red=absent, bold=absent)
