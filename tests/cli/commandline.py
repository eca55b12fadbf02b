"""A command line over a director whose kernel is a fake."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from typer.testing import CliRunner, Result

from lvsnat.cli.context import Session
from lvsnat.cli.main import app
from lvsnat.director.director import Director
from lvsnat.director.paths import Paths
from lvsnat.doctor.ask import Ask
from lvsnat.doctor.read import Survey
from lvsnat.errors import ExitCode
from lvsnat.plan.backend import Backend
from lvsnat.plan.change import Change
from lvsnat.system import Clock
from lvsnat.testing import FakeBackend
from lvsnat.testing.proxy import FakeProxy

ENVIRONMENT = {"NO_COLOR": None, "FORCE_COLOR": None, "COLUMNS": None, "LVSNAT_CONFIG": None}


class CommandLine:
    """Runs commands in this process; ``kernel`` and ``paths.config`` show what they did."""

    def __init__(self, folder: Path, kernel: FakeBackend) -> None:
        self.paths = Paths(folder / "lvsnat.toml", folder / "state", folder / "run")
        self.kernel = kernel
        self.proxy = FakeProxy()
        self.clock: Clock | None = None
        self.others: tuple[Backend, ...] = ()
        self.survey: Survey | None = None
        self.ask: Ask | None = None

    def __call__(
        self, *args: str, env: Mapping[str, str] | None = None, stdin: str | None = None
    ) -> Result:
        session = Session(lambda _environment, _config: self.director())
        return CliRunner().invoke(
            app,
            args,
            stdin,
            obj=session,
            prog_name="lvsnat",
            env={**ENVIRONMENT, **(env or {})},
        )

    def director(self) -> Director:
        return Director(
            self.paths,
            self.kernel,
            self.others,
            proxy=self.proxy,
            clock=self.clock,
            survey=self.survey,
            ask=self.ask,
        )

    def ok(self, *args: str) -> str:
        """Run a command that must succeed; its standard output."""
        result = self(*args)
        assert result.exit_code == ExitCode.DONE, result.output
        return result.stdout

    @property
    def config(self) -> str:
        return self.paths.config.read_text() if self.paths.config.exists() else ""

    @property
    def changes(self) -> list[Change]:
        return self.kernel.carried_out
