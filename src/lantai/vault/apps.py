from django.apps import AppConfig


class VaultConfig(AppConfig):
    name = "lantai.vault"
    label = "vault"
