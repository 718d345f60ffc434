"""The help texts and names of fields are said more plainly; no table changes."""

import conversations.keywords
import conversations.models.mcp_server
import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0012_words'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='assistant',
            name='keywords',
            field=models.TextField(blank=True, help_text='Names and terms that come up often, separated by commas or new lines: up to 100, each of up to 50 characters.', validators=[conversations.keywords.validate]),
        ),
        migrations.AlterField(
            model_name='assistant',
            name='language',
            field=models.CharField(blank=True, help_text='For example en or de-AT. Leave empty to follow the language that is spoken.', max_length=10),
        ),
        migrations.AlterField(
            model_name='assistant',
            name='llm_engine',
            field=models.CharField(blank=True, choices=[('openai', 'OpenAI or compatible'), ('openai-realtime', 'OpenAI Realtime (reads aloud)'), ('google', 'Google Cloud'), ('demo', 'Demo')], max_length=20, verbose_name='language model'),
        ),
        migrations.AlterField(
            model_name='assistant',
            name='llm_model',
            field=models.CharField(blank=True, max_length=100, verbose_name='language model name'),
        ),
        migrations.AlterField(
            model_name='assistant',
            name='mcp_servers',
            field=models.ManyToManyField(blank=True, help_text='Servers whose tools it may use.', related_name='assistants', to='conversations.mcpserver', verbose_name='MCP servers'),
        ),
        migrations.AlterField(
            model_name='assistant',
            name='owner',
            field=models.ForeignKey(blank=True, help_text='Leave empty to offer it to everyone.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='assistants', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='assistant',
            name='patience',
            field=models.CharField(blank=True, choices=[('quick', 'Quick'), ('balanced', 'Balanced'), ('patient', 'Patient')], help_text='How long it waits in a pause before it answers. A user’s own setting overrides it. Empty: balanced.', max_length=10),
        ),
        migrations.AlterField(
            model_name='assistant',
            name='s2s_engine',
            field=models.CharField(blank=True, choices=[('openai', 'OpenAI Realtime')], help_text='One model that listens and speaks, in place of the three engines above. Leave empty to use those.', max_length=20, verbose_name='speech to speech'),
        ),
        migrations.AlterField(
            model_name='assistant',
            name='s2s_model',
            field=models.CharField(blank=True, max_length=100, verbose_name='speech to speech model'),
        ),
        migrations.AlterField(
            model_name='assistant',
            name='speculation',
            field=models.BooleanField(default=True, help_text='Starts answering in short pauses, before it is sure that the user has finished. Faster, but uses more tokens.', verbose_name='thinks ahead'),
        ),
        migrations.AlterField(
            model_name='assistant',
            name='speed',
            field=models.FloatField(default=1.0, help_text='From 0.25 to 2. 1 is the voice’s normal speed.', validators=[django.core.validators.MinValueValidator(0.25), django.core.validators.MaxValueValidator(2.0)]),
        ),
        migrations.AlterField(
            model_name='assistant',
            name='stt_engine',
            field=models.CharField(blank=True, choices=[('openai', 'OpenAI or compatible'), ('openai-realtime', 'OpenAI Realtime (reads aloud)'), ('google', 'Google Cloud'), ('demo', 'Demo')], max_length=20, verbose_name='speech to text'),
        ),
        migrations.AlterField(
            model_name='assistant',
            name='stt_model',
            field=models.CharField(blank=True, max_length=100, verbose_name='speech to text model'),
        ),
        migrations.AlterField(
            model_name='assistant',
            name='tools',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), blank=True, default=list, help_text='Tools of this site that it may use.', size=None),
        ),
        migrations.AlterField(
            model_name='assistant',
            name='tts_engine',
            field=models.CharField(blank=True, choices=[('openai', 'OpenAI or compatible'), ('openai-realtime', 'OpenAI Realtime (reads aloud)'), ('google', 'Google Cloud'), ('demo', 'Demo')], max_length=20, verbose_name='text to speech'),
        ),
        migrations.AlterField(
            model_name='assistant',
            name='tts_model',
            field=models.CharField(blank=True, max_length=100, verbose_name='text to speech model'),
        ),
        migrations.AlterField(
            model_name='assistant',
            name='tts_voice',
            field=models.CharField(blank=True, help_text='Its name at the engine. Leave empty for the site’s choice.', max_length=100, verbose_name='voice'),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='goes_if_empty',
            field=models.BooleanField(db_default=False, default=False, editable=False, help_text='A session created it; it is deleted if nothing is said in it.'),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='held_until',
            field=models.DateTimeField(blank=True, editable=False, help_text='Empty when no session holds it.', null=True),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='metadata',
            field=models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()), default=dict, help_text='Notes that programs keep about it.'),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='updated_at',
            field=models.DateTimeField(auto_now_add=True, help_text='When the last item was added.'),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='user',
            field=models.ForeignKey(help_text='Empty while the conversation is being deleted.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='conversations', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='item',
            name='audio_ms',
            field=models.PositiveIntegerField(default=0, help_text='Length of all its audio, in milliseconds.'),
        ),
        migrations.AlterField(
            model_name='item',
            name='cached_input_tokens',
            field=models.PositiveIntegerField(default=0, help_text='Included in the input tokens.'),
        ),
        migrations.AlterField(
            model_name='item',
            name='call',
            field=models.JSONField(blank=True, default=dict, help_text='Of a function or tool call: call_id, name, arguments, output, error, and who runs it.'),
        ),
        migrations.AlterField(
            model_name='item',
            name='heard_ms',
            field=models.PositiveIntegerField(blank=True, help_text='How much was played, in milliseconds. Null means all of it.', null=True),
        ),
        migrations.AlterField(
            model_name='item',
            name='heard_text',
            field=models.TextField(blank=True, help_text='The part that was played. Null means all of it.', null=True),
        ),
        migrations.AlterField(
            model_name='item',
            name='input_audio_tokens',
            field=models.PositiveIntegerField(default=0, help_text='Included in the input tokens.'),
        ),
        migrations.AlterField(
            model_name='item',
            name='is_audio',
            field=models.BooleanField(default=False, help_text='Whether it was spoken, not typed.'),
        ),
        migrations.AlterField(
            model_name='item',
            name='output_audio_tokens',
            field=models.PositiveIntegerField(default=0, help_text='Included in the output tokens.'),
        ),
        migrations.AlterField(
            model_name='item',
            name='position',
            field=models.PositiveIntegerField(help_text='Its place in the conversation, starting at 0.'),
        ),
        migrations.AlterField(
            model_name='item',
            name='public_id',
            field=models.CharField(help_text='Its id in the protocol, unique within the conversation.', max_length=40),
        ),
        migrations.AlterField(
            model_name='item',
            name='text',
            field=models.TextField(blank=True, help_text='What the user said, or everything the assistant generated.'),
        ),
        migrations.AlterField(
            model_name='item',
            name='waterfall',
            field=models.JSONField(blank=True, default=dict, help_text='When each step came, in milliseconds after the endpoint.'),
        ),
        migrations.AlterField(
            model_name='loosefile',
            name='due_at',
            field=models.DateTimeField(db_index=True, help_text='When it will be deleted.'),
        ),
        migrations.AlterField(
            model_name='loosefile',
            name='is_reserved',
            field=models.BooleanField(help_text='Kept for an upload that may still be running.'),
        ),
        migrations.AlterField(
            model_name='loosefile',
            name='tries',
            field=models.PositiveIntegerField(default=0, help_text='How many attempts were made to delete it.'),
        ),
        migrations.AlterField(
            model_name='mcpserver',
            name='allowed_tools',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=128), blank=True, default=list, help_text='Separated by commas. Leave empty to allow all of them.', size=None),
        ),
        migrations.AlterField(
            model_name='mcpserver',
            name='label',
            field=models.CharField(help_text='Its name in conversations. Start with a letter, then use letters, digits, _ and -.', max_length=32, unique=True, validators=[django.core.validators.RegexValidator('^[A-Za-z][A-Za-z0-9_-]*$', 'Start with a letter, then use letters, digits, _ and -.'), conversations.models.mcp_server.validate_label]),
        ),
        migrations.AlterField(
            model_name='mcpserver',
            name='timeout_sec',
            field=models.FloatField(default=20.0, help_text='In seconds, for connecting and for each call.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(300)], verbose_name='time limit'),
        ),
        migrations.AlterField(
            model_name='mcpserver',
            name='url',
            field=models.CharField(help_text='Its Streamable HTTP address, such as https://example.com/mcp.', max_length=500, verbose_name='URL'),
        ),
        migrations.AlterField(
            model_name='mcpserver',
            name='verdict',
            field=models.CharField(blank=True, help_text='What it answered to the last test.', max_length=500, verbose_name='test result'),
        ),
    ]
