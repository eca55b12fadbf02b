"""lvsnat aws: the way back through the director on EC2. Its commands alone load boto3."""

from __future__ import annotations

import typer

from lvsnat.cli import aws_changing, aws_looking, aws_takeover, aws_undoing, aws_userdata

app = typer.Typer(help="On EC2: the way back through the director, made, checked and put back.")
app.command()(aws_looking.plan)
app.command()(aws_changing.apply)
app.command()(aws_looking.verify)
app.command()(aws_undoing.undo)
app.command()(aws_looking.show)
app.command()(aws_takeover.takeover)
app.command("iam-policy")(aws_takeover.iam_policy)
app.command("user-data")(aws_userdata.user_data)
