from django.apps import AppConfig


class IdentityConfig(AppConfig):
    name = "lantai.identity"
    label = "identity"
