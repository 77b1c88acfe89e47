"""Secrets in JSON and in text, whose forms and names are listed here."""

from __future__ import annotations

import json
import re
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.text.secrets import (
    MASK,
    is_secret_name,
    mask_json,
    mask_text,
    masker,
    secret_values,
)

SECRET = "Zq9" + "vX7rT2mK4pL8wN"

NAMES = [
    "Authorization",
    "authorization",
    "api_key",
    "apiKey",
    "x-api-key",
    "OPENAI_API_KEY",
    "access_token",
    "accessToken",
    "refresh_token",
    "refreshToken",
    "idToken",
    "userCode",
    "bearer_token",
    "token",
    "client_secret",
    "password",
    "privateKey",
    "cookie",
    "Set-Cookie",
    "env",
    "http_headers",
    "mcp_servers.search.env.KEY",
    "shell_environment_policy.set.KEY",
    "model_providers.mine.experimental_bearer_token",
]

FORMS = [
    "sk-{}",
    "sk-proj-{}",
    "Bearer {}",
    "curl -H 'Authorization: Bearer {}' https://example.org",
    'curl -H "authorization: {}"',
    "OPENAI_API_KEY={} codex exec",
    "export GITHUB_TOKEN='{}'",
    'MY_PASSWORD="{}" ./run',
    '{{"api_key": "{}"}}',
    '{{\\"refresh_token\\":\\"{}\\"}}',
    "postgres://me:{}@db.example.org/shop",
    "https://example.org/?access_token={}&x=1",
    "tool --api-key {} --verbose",
    "tool --token={}",
    "ghp_{}",
    "xoxb-{}",
    "eyJhbGciOiJ{}.eyJzdWIiOiIx{}.{}",
    "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\n{}",
    "Cookie: session={}",
    "http://localhost:1455/auth/callback?code={}&state=1",
]


@pytest.mark.parametrize("name", NAMES)
def test_what_stands_under_a_secret_name_is_masked(name: str):
    message = {"params": {name: {"A": SECRET, "n": [SECRET, 5, None, True]}, "kept": "yes"}}
    masked = mask_json(message, mask_text)
    assert SECRET not in json.dumps(masked)
    assert masked == {"params": {name: {"A": MASK, "n": [MASK, MASK, None, True]}, "kept": "yes"}}


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_of_a_known_form_is_masked_in_any_text(form: str):
    text = f"before {form.replace('{}', SECRET)} after"
    masked = mask_text(text)
    assert SECRET not in masked
    assert MASK in masked
    assert masked.startswith("before ")
    assert mask_text(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "progressToken: 7",
        "12,345 tokens used",
        "totalTokens=812",
        "the risk-averse task-force",
        "https://example.org/a:b@c",
        "basic auth is off",
        "Keep going",
        "monkeys: 3",
    ],
)
def test_ordinary_text_stays(text: str):
    assert mask_text(text) == text


@pytest.mark.parametrize(
    "name", ["progressToken", "tokens", "tokenUsage", "totalTokens", "monkey", "key", "author"]
)
def test_names_that_look_alike_are_not_secret(name: str):
    assert not is_secret_name(name)


def test_the_values_of_headers_in_lists_are_masked():
    listed = [{"name": "X-Api-Key", "value": SECRET}, {"name": "Accept", "value": "text/plain"}]
    assert mask_json(listed, mask_text) == [
        {"name": "X-Api-Key", "value": MASK},
        {"name": "Accept", "value": "text/plain"},
    ]


def test_known_values_are_masked_wherever_they_stand():
    values = secret_values({"DEPLOY_TOKEN": "plain-words", "PATH": "/usr/bin", "X_KEY": "no"})
    assert values == ["plain-words"]
    assert masker(values)("said plain-words here, /usr/bin") == f"said {MASK} here, /usr/bin"
    assert masker(["short"])("short") == "short"


secrets = st.text(string.ascii_letters + string.digits, min_size=16, max_size=60).filter(
    lambda text: re.search(r"\d", text) is not None
)
ordinary = st.text("äöü .:=,[]{}\n'-", max_size=20)


@st.composite
def messages(draw: st.DrawFn, secret: str) -> Any:
    """JSON that has a secret somewhere: under a name, or in a text of a known form."""
    if draw(st.booleans()):
        value: Any = {draw(st.sampled_from(NAMES)): secret}
    else:
        value = draw(st.sampled_from(FORMS)).replace("{}", secret)
    for _ in range(draw(st.integers(0, 5))):
        if draw(st.booleans()):
            value = {draw(ordinary): draw(ordinary), draw(ordinary) + "x": value}
        else:
            value = [draw(ordinary), value, draw(st.none() | st.integers())]
    return value


@given(data=st.data(), secret=secrets)
def test_a_generated_secret_never_survives(data: st.DataObject, secret: str):
    masked = mask_json(data.draw(messages(secret)), mask_text)
    assert secret not in json.dumps(masked, ensure_ascii=False)
    assert mask_json(masked, mask_text) == masked
