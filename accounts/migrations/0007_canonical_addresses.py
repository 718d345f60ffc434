"""Write the addresses that there are in their one way. Of two accounts of one mailbox one is left."""

import sys

from django.db import migrations

import accounts.sign_in.email_addresses
from accounts.sign_in.email_addresses import canonicalise

MODELS = (("accounts", "User"), ("accounts", "Invitation"), ("account", "EmailAddress"))


def rewrite(apps, schema_editor):
    for app, name in MODELS:
        model = apps.get_model(app, name)
        rows = model.objects.order_by("pk").values_list("pk", "email")
        changed = [(pk, email) for pk, email in rows.iterator() if canonicalise(email) != email]
        for pk, email in changed:
            if model.objects.filter(email=canonicalise(email)).exclude(pk=pk).exists():
                print(f"{name} {pk} has an address that another one has in another spelling; it is left as it is. "
                      "Its owner can sign in once an admin gives it another address.", file=sys.stderr)
            else:
                model.objects.filter(pk=pk).update(email=canonicalise(email))


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_api_key_addresses"), ("account", "0009_emailaddress_unique_primary_email")]

    operations = [
        migrations.AlterField(
            model_name="user",
            name="email",
            field=accounts.sign_in.email_addresses.AddressField(max_length=254, unique=True, verbose_name="e-mail address"),
        ),
        migrations.AlterField(
            model_name="invitation",
            name="email",
            field=accounts.sign_in.email_addresses.AddressField(max_length=254, unique=True, verbose_name="e-mail address"),
        ),
        migrations.RunPython(rewrite, migrations.RunPython.noop),
    ]
