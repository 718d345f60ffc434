"""A conversation whose process was killed has a status of its own."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conversations", "0015_local_engines")]

    operations = [
        migrations.AlterField(
            model_name="conversation",
            name="status",
            field=models.CharField(
                choices=[("live", "Live"), ("ended", "Ended"), ("broke_off", "Broke off")],
                default="ended",
                max_length=10,
            ),
        ),
    ]
