"""All codes of a VPC. No I/O here."""

from __future__ import annotations

from typing import Final

from lvsnat.doctor.explained.aws import AROUND, WAY_IN
from lvsnat.doctor.explained.aws_plan import PLAN
from lvsnat.doctor.explained.aws_routes import WAY_BACK

VPC: Final = (*WAY_IN, *WAY_BACK, *AROUND, *PLAN)
