"""The assistant's setting gets the name that the code and the documents use."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0013_plainer_texts'),
    ]

    operations = [
        migrations.RenameField(model_name='assistant', old_name='speculation', new_name='preemptive_generation'),
    ]
