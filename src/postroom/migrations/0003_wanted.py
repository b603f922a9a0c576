"""A small index of the letters whose rest a person asked for, so that looking for them does not read the ledger."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("postroom", "0002_search")]
    operations = [
        migrations.AddIndex(
            model_name="rawmessage",
            index=models.Index(
                condition=models.Q(("wanted", True)), fields=["channel"], name="post_letter_wanted"
            ),
        ),
    ]
