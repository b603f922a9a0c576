"""Addresses of the pages about oneself."""

from django.urls import URLPattern, path

from postroom.web.account import profile, signing

urlpatterns: list[URLPattern] = [
    path("sign-in", signing.sign_in, name="sign-in"),
    path("sign-out", signing.sign_out, name="sign-out"),
    path("welcome/<str:token>", signing.welcome, name="welcome"),
    path("password/<str:token>", signing.set_password, name="set-password"),
    path("profile", profile.profile, name="profile"),
    path("profile/save", profile.save, name="profile-save"),
    path("profile/preferences", profile.preferences, name="profile-preferences"),
    path("profile/password", profile.password, name="profile-password"),
]
