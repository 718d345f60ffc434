"""The help texts and names of fields are said more plainly; no table changes."""

import accounts.models
import accounts.sign_in.email_addresses
import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0007_canonical_addresses'),
    ]

    operations = [
        migrations.AlterField(
            model_name='apikey',
            name='prefix',
            field=models.CharField(help_text='The first characters of the key, to recognise it by.', max_length=16),
        ),
        migrations.AlterField(
            model_name='apikey',
            name='scopes',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('realtime', 'Hold conversations, live or turn by turn'), ('conversations.read', 'Read conversations and listen to them'), ('conversations.write', 'Create, change and delete conversations')], max_length=40), default=accounts.models.all_scopes, size=None),
        ),
        migrations.AlterField(
            model_name='clientsecret',
            name='session',
            field=models.JSONField(default=dict, help_text='The settings its sessions start with, in the protocol’s shape.'),
        ),
        migrations.AlterField(
            model_name='invitation',
            name='email',
            field=accounts.sign_in.email_addresses.AddressField(max_length=254, unique=True, verbose_name='email address'),
        ),
        migrations.AlterField(
            model_name='providerkey',
            name='hint',
            field=models.CharField(blank=True, help_text='The last characters of the secret, to recognise it by.', max_length=16),
        ),
        migrations.AlterField(
            model_name='providerkey',
            name='verdict',
            field=models.CharField(blank=True, help_text='What the provider answered to the last test.', max_length=300, verbose_name='test result'),
        ),
        migrations.AlterField(
            model_name='user',
            name='email',
            field=accounts.sign_in.email_addresses.AddressField(max_length=254, unique=True, verbose_name='email address'),
        ),
        migrations.AlterField(
            model_name='user',
            name='is_active',
            field=models.BooleanField(default=True, help_text='Turn this off instead of deleting the user.', verbose_name='active'),
        ),
        migrations.AlterField(
            model_name='user',
            name='is_staff',
            field=models.BooleanField(default=False, help_text='Can use the admin.', verbose_name='staff'),
        ),
        migrations.AlterField(
            model_name='user',
            name='patience',
            field=models.CharField(blank=True, choices=[('quick', 'Quick'), ('balanced', 'Balanced'), ('patient', 'Patient')], help_text='Overrides the assistant’s patience. Leave empty to keep the assistant’s.', max_length=10),
        ),
        migrations.AlterField(
            model_name='user',
            name='time_zone',
            field=models.CharField(blank=True, help_text='For example Europe/Vienna. Leave empty to use the device’s, or UTC if it names none.', max_length=64),
        ),
    ]
