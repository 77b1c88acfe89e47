"""The parsers of the commands for teams: `teams`, `run`, `runs`, and of `config`."""

from __future__ import annotations

from pathlib import Path

from codextui.commands.parser_parts import Commands, add_command, add_common_options


def add_team_commands(commands: Commands) -> None:
    """Add what is about teams and their runs."""
    teams = add_command(
        commands, "teams", "teams:list_teams", "list the teams of the configuration"
    )
    actions = teams.add_subparsers(metavar="check NAME | new NAME")
    check = actions.add_parser(
        "check", help="explain a team, say what prevents it from running here, and advise"
    )
    check.set_defaults(command="teams:check_named_team")
    check.add_argument("team", metavar="NAME")
    check.add_argument("-C", "--cwd", metavar="FOLDER", type=Path, help="the project (default: .)")
    add_common_options(check)
    check.add_argument("--json", action="store_true", help="print JSON instead of text")
    new = actions.add_parser("new", help="add a small team to the configuration, and check it")
    new.set_defaults(command="teams:add_new_team")
    new.add_argument("team", metavar="NAME", help="small letters, digits, - and _")
    add_common_options(new)
    new.add_argument("--json", action="store_true", help="print JSON instead of text")
    run = add_command(commands, "run", "run:run", "run a team of roles on a task")
    run.add_argument("team", metavar="TEAM", nargs="?")
    run.add_argument("task", metavar="TASK", nargs="?", help="what to do; - reads it")
    run.add_argument("-C", "--cwd", metavar="FOLDER", type=Path, help="the project (default: .)")
    run.add_argument(
        "--mode", choices=("handoffs", "parallel"), help="how, where not as configured"
    )
    run.add_argument("--headless", action="store_true", help="print what happens, line by line")
    run.add_argument(
        "--resume",
        metavar="RUN",
        help="go on with a run that has not ended well, by its id or its name in `ps`",
    )
    _add_runs_command(commands)


def add_config_command(commands: Commands) -> None:
    """Add what shows and checks the configuration."""
    config = add_command(
        commands, "config", "config:show_config", "show the configuration as it applies"
    )
    actions = config.add_subparsers(metavar="check")
    check = actions.add_parser("check", help="find every mistake in the whole file")
    check.set_defaults(command="config:check_config")
    add_common_options(check)
    check.add_argument("--json", action="store_true", help="print JSON instead of text")


def _add_runs_command(commands: Commands) -> None:
    runs = add_command(
        commands, "runs", "runs:list_recorded_runs", "list the runs of teams, and look at them"
    )
    actions = runs.add_subparsers(metavar="ACTION")
    for name, command, about in (
        ("show", "runs:show_run", "how a run went: handoffs, tokens, money"),
        ("timeline", "runs:show_timeline", "who worked when, and who waited for whom"),
        ("export", "runs:export_run", "write a run's spans and happenings as JSON lines"),
        ("remove", "runs:remove_run", "remove what is kept of a run"),
    ):
        action = actions.add_parser(
            name, help=about, description=f"{about[:1].upper()}{about[1:]}."
        )
        action.set_defaults(command=command)
        action.add_argument(
            "run", metavar="RUN", help="its id, its name in `ps`, or a beginning of its id"
        )
        if name == "export":
            action.add_argument("file", metavar="FILE", type=Path, help="a new file, or - for here")
        add_common_options(action)
        action.add_argument("--json", action="store_true", help="print JSON instead of text")
