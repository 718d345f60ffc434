"""The assistants of a new site know what time it is, and what was said before."""

from django.db import migrations

SLUGS = ["assistant", "tutor", "interviewer", "sounding-board"]
TOOLS = ["current_time", "search_past_talks"]


def give(apps, schema_editor):
    assistants = apps.get_model("conversations", "Assistant").objects.using(schema_editor.connection.alias)
    assistants.filter(slug__in=SLUGS, owner=None, tools=[]).update(tools=TOOLS)


class Migration(migrations.Migration):
    dependencies = [("conversations", "0004_assistant_tools")]

    operations = [migrations.RunPython(give, migrations.RunPython.noop)]
