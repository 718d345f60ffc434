from typing import Annotated

from pydantic import Field

from accounts import time_zones
from conversations.tools.base import Context, ToolError

Zone = Annotated[str, Field(description="Of another place, such as Asia/Tokyo. Leave it out for the user's own.")]


async def current_time(context: Context, time_zone: Zone = "") -> str:
    """The current date, weekday and time, where the user is or elsewhere."""
    try:
        now = context.now.astimezone(time_zones.find(time_zone)) if time_zone else context.now
    except time_zones.UnknownTimeZoneError as error:
        raise ToolError(str(error)) from None
    return f"{now:%A}, {now.day} {now:%B %Y}, {now:%H:%M} ({now.tzinfo}, UTC{now.isoformat()[-6:]})"
