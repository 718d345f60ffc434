"""An assistant may list engines that answer in place of its own when one of those fails."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0016_broke_off'),
    ]

    operations = [
        migrations.CreateModel(
            name='EngineFallback',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('stt', 'Speech to text'), ('llm', 'Language model'), ('tts', 'Text to speech')], max_length=3)),
                ('position', models.PositiveSmallIntegerField(default=0, help_text='Those of a kind are tried from the lowest.', verbose_name='order')),
                ('provider', models.CharField(choices=[('openai', 'OpenAI or compatible'), ('openai-realtime', 'OpenAI Realtime (reads aloud)'), ('google', 'Google Cloud'), ('local', 'This machine'), ('demo', 'Demo')], max_length=20, verbose_name='engine')),
                ('model', models.CharField(blank=True, max_length=100)),
                ('voice', models.CharField(blank=True, max_length=100)),
                ('assistant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='fallbacks', to='conversations.assistant')),
            ],
            options={
                'verbose_name': 'fallback',
                'ordering': ['position', 'pk'],
            },
        ),
    ]
