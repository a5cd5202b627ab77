from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "lantai.access"
    label = "access"
