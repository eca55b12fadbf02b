"""lvsnat server: what it says and what it does."""

from __future__ import annotations

from cli.commandline import CommandLine

from lvsnat.errors import ExitCode


def test_add_draws_what_it_made(web: CommandLine) -> None:
    result = web("server", "add", "web", "192.168.2.57:80", "--weight", "5", "--upper", "100")

    assert result.stdout == (
        "+ server 192.168.2.57:80 of tcp/192.168.1.50:80  weight=5 upper=100\n"
    )
    assert result.stderr == "1 created, 0 changed, 0 removed\n"
    assert '{ address = "192.168.2.57:80", weight = 5, upper = 100 }' in web.config


def test_set_changes_what_is_named_and_keeps_the_rest(web: CommandLine) -> None:
    web.ok("server", "set", "web", "192.168.2.55:80", "--upper", "100", "--lower", "50")

    assert web.ok("server", "set", "web", "192.168.2.55:80", "--weight", "4") == (
        "~ server 192.168.2.55:80 of tcp/192.168.1.50:80  weight 3 → 4\n"
    )
    assert "upper = 100" in web.config


def test_setting_what_is_so_already_changes_nothing(web: CommandLine) -> None:
    result = web("server", "set", "web", "192.168.2.55:80", "--weight", "3")

    assert (result.exit_code, result.stdout) == (ExitCode.DONE, "")
    assert result.stderr == "in sync: nothing to change\n"
    assert web.changes == []


def test_remove_draws_what_went(web: CommandLine) -> None:
    assert web.ok("server", "remove", "web", "192.168.2.56:80") == (
        "- server 192.168.2.56:80 of tcp/192.168.1.50:80  weight=0\n"
    )
    assert "192.168.2.56" not in web.config


def test_the_last_server_goes_only_by_force(web: CommandLine) -> None:
    web.ok("server", "remove", "web", "192.168.2.56:80")
    removal = ("server", "remove", "web", "192.168.2.55:80")

    refused = web(*removal)
    shown = web(*removal, "--dry-run")
    forced = web(*removal, "--force")

    assert refused.exit_code == ExitCode.REFUSED
    assert "is left without a server that takes connections" in refused.stderr
    assert "unsafe (--force does it all the same):\n! service tcp/" in shown.stdout
    assert forced.exit_code == ExitCode.DONE


def test_other_differences_are_mentioned_and_left_alone(web: CommandLine) -> None:
    web.kernel.state.pop(list(web.kernel.state)[-1])

    result = web("server", "set", "web", "192.168.2.55:80", "--weight", "9")

    assert result.stderr == (
        "0 created, 1 changed, 0 removed\n"
        "note: 1 other difference left alone: 'lvsnat plan' shows what\n"
    )
    assert len(web.changes) == 1
