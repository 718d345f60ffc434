"""An assistant may be heard, answered and spoken for by this machine."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0014_preemptive_generation'),
    ]

    operations = [
        migrations.AlterField(
            model_name='assistant',
            name='llm_engine',
            field=models.CharField(blank=True, choices=[('openai', 'OpenAI or compatible'), ('openai-realtime', 'OpenAI Realtime (reads aloud)'), ('google', 'Google Cloud'), ('local', 'This machine'), ('demo', 'Demo')], max_length=20, verbose_name='language model'),
        ),
        migrations.AlterField(
            model_name='assistant',
            name='stt_engine',
            field=models.CharField(blank=True, choices=[('openai', 'OpenAI or compatible'), ('openai-realtime', 'OpenAI Realtime (reads aloud)'), ('google', 'Google Cloud'), ('local', 'This machine'), ('demo', 'Demo')], max_length=20, verbose_name='speech to text'),
        ),
        migrations.AlterField(
            model_name='assistant',
            name='tts_engine',
            field=models.CharField(blank=True, choices=[('openai', 'OpenAI or compatible'), ('openai-realtime', 'OpenAI Realtime (reads aloud)'), ('google', 'Google Cloud'), ('local', 'This machine'), ('demo', 'Demo')], max_length=20, verbose_name='text to speech'),
        ),
    ]
