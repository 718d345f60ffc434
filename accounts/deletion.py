"""Delete users, along with what the database's own cascade does not reach."""

from django.conf import settings
from django.db import transaction
from django.db.models import CASCADE, Model, QuerySet
from django.utils.module_loading import import_string

from accounts.models import User


@transaction.atomic
def delete_users(users: QuerySet[User]) -> None:
    """Delete users. First the steps in `USER_DELETION_STEPS` delete what other apps have of them.

    A step is needed because a recording may lie outside the database.
    """
    # The lock keeps a live session from adding more between the steps.
    doomed = User.objects.filter(pk__in=list(users.select_for_update().values_list("pk", flat=True)))
    for step in settings.USER_DELETION_STEPS:
        import_string(step)(doomed)
    doomed.delete()


def count_related(users: QuerySet[User]) -> dict[type[Model], int]:
    """Return how many rows of each model would be deleted with `users`, without the models that have none."""
    relations = [relation for relation in User._meta.related_objects if relation.on_delete is CASCADE]
    counts = {
        relation.related_model: relation.related_model._default_manager.filter(
            **{f"{relation.field.name}__in": users}
        ).count()
        for relation in relations
    }
    return {model: count for model, count in counts.items() if count}
