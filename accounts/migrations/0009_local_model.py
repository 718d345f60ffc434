"""A user picks a language model of the site's machine."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_plainer_texts'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='local_model',
            field=models.CharField(blank=True, help_text='The language model of the site’s machine that answers. Leave empty for the one used last.', max_length=200),
        ),
    ]
