from django.apps import AppConfig


class CasesConfig(AppConfig):
    name = "lantai.cases"
    label = "cases"
