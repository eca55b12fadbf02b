"""lvsnat aws: the way back through the director on EC2. Its commands alone load boto3."""

from __future__ import annotations

import typer

from lvsnat.cli import aws_changing, aws_looking, aws_takeover

app = typer.Typer(help="On EC2: the way back through the director, made, checked and put back.")
app.command()(aws_looking.plan)
app.command()(aws_changing.apply)
app.command()(aws_looking.verify)
app.command()(aws_changing.undo)
app.command()(aws_looking.show)
app.command()(aws_takeover.takeover)
app.command("iam-policy")(aws_takeover.iam_policy)
