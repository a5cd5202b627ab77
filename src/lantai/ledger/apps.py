from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "lantai.ledger"
    label = "ledger"
