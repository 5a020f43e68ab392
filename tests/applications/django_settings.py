"""The Django routes as a project, for its own commands."""

SECRET_KEY = "a test has no secrets"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "applications.django_routes"
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
USE_TZ = True
