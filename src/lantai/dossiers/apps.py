from django.apps import AppConfig


class DossiersConfig(AppConfig):
    name = "lantai.dossiers"
    label = "dossiers"
