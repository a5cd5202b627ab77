from django.apps import AppConfig


class PreservationConfig(AppConfig):
    name = "lantai.preservation"
    label = "preservation"
