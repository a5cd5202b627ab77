from django.apps import AppConfig


class ImagingConfig(AppConfig):
    name = "lantai.imaging"
    label = "imaging"
