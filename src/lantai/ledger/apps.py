from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "lantai.ledger"
    label = "ledger"

    def ready(self) -> None:
        """Refuse to start under a trust policy that cannot be worked by."""
        from lantai.ledger import quorum  # noqa: PLC0415 -- settings are ready now

        quorum.in_force()
