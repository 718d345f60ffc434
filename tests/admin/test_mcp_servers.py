from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from conversations.models import Assistant, McpServer
from conversations.storage import mcp_servers
from tests.support.mcp_host import MakeHost
from tests.support.people import Staff
from tests.upstream.fixtures import Upstream

LIST = reverse("admin:conversations_mcpserver_changelist")
ADD = reverse("admin:conversations_mcpserver_add")
FIELDS = {"label": "house", "timeout_sec": "5", "is_enabled": "on"}


@pytest.fixture
def editor(staff: Staff) -> Client:
    return staff("view_mcpserver", "add_mcpserver", "change_mcpserver", "view_assistant", "change_assistant")


def build_change_url(server: McpServer) -> str:
    return reverse("admin:conversations_mcpserver_change", args=[server.pk])


def list_messages(answer: Any) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def test_it_works(editor: Client, mcp_host: MakeHost) -> None:
    host = mcp_host(key="Bearer secret")
    answer = editor.post(ADD, {**FIELDS, "url": host.url, "authorization": "Bearer secret"})
    server = McpServer.objects.get()
    assert server.works
    assert server.verdict == "Works: 8 tools: add, count, odd.name/v2, current_time, picture, facts, fail, hang."
    assert list_messages(answer)[0] == server.verdict
    assert mcp_servers.build_spec(server).authorization == "Bearer secret"
    assert b"secret" not in bytes(server.authorization_encrypted)
    for page in (editor.get(LIST), editor.get(build_change_url(server))):
        assert server.verdict in page.content.decode()
        assert b"Bearer secret" not in page.content


def test_the_authorisation_is_kept_replaced_and_forgotten(editor: Client, mcp_host: MakeHost) -> None:
    fields = {**FIELDS, "url": mcp_host().url}
    editor.post(ADD, {**fields, "authorization": "Bearer one"})
    server = McpServer.objects.get()
    for change, left in (
        ({}, "Bearer one"),
        ({"authorization": "Bearer two"}, "Bearer two"),
        ({"forget_authorization": "on"}, ""),
    ):
        assert editor.post(build_change_url(server), {**fields, **change}).status_code == 302
        server.refresh_from_db()
        assert mcp_servers.build_spec(server).authorization == left


def test_a_saved_authorisation_goes_to_no_other_host(editor: Client, mcp_host: MakeHost) -> None:
    """Otherwise whoever may change a server could have it sent to their own, and read it."""
    first, other = mcp_host(key="Bearer one"), mcp_host(key="Bearer one")
    editor.post(ADD, {**FIELDS, "url": first.url, "authorization": "Bearer one"})
    server = McpServer.objects.get()
    for url in (other.url, first.url.replace("http://", "https://")):
        answer = editor.post(build_change_url(server), {**FIELDS, "url": url})
        assert list(answer.context["adminform"].form.errors) == ["authorization"]
    for more in ({"url": first.url + "?a=b"}, {"url": other.url, "authorization": "Bearer one"}):
        assert editor.post(build_change_url(server), {**FIELDS, **more}).status_code == 302
    forgetting = {**FIELDS, "url": first.url, "forget_authorization": "on"}
    assert editor.post(build_change_url(server), forgetting).status_code == 302


def test_what_is_wrong_with_a_server_is_said(editor: Client, mcp_host: MakeHost, upstream: Upstream) -> None:
    host = mcp_host(key="Bearer right")
    gone = mcp_host()
    gone.close()
    for url, more, verdict in (
        (host.url, {"authorization": "Bearer wrong"}, "house refused the authorisation. Check that it is complete"),
        (gone.url, {}, "house could not be reached. Check the URL"),
        (f"{upstream.openai_url}/nothing", {}, "house was not found at this URL. Most end in /mcp."),
        (host.url, {"authorization": "Bearer right", "allowed_tools": "add, nix"}, "house has no tool nix."),
    ):
        McpServer.objects.all().delete()
        answer = editor.post(ADD, {**FIELDS, "url": url, **more})
        server = McpServer.objects.get()
        assert (server.works, server.verdict.startswith(verdict)) == (False, True), server.verdict
        assert server.verdict in list_messages(answer)


def test_trying_again(editor: Client, mcp_host: MakeHost) -> None:
    host = mcp_host()
    editor.post(ADD, {**FIELDS, "url": host.url})
    host.die()
    server = McpServer.objects.get()
    again = {"action": "try_again", "_selected_action": [server.pk]}
    assert "could not be reached" in list_messages(editor.post(LIST, again))[-1]
    host.come_back()
    assert "Works: 8 tools" in list_messages(editor.post(LIST, again))[-1]
    server.refresh_from_db()
    assert server.works


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "ftp://tools.example"),
        ("url", "https://user:secret@tools.example/mcp"),
        ("url", "https://[::1/mcp"),
        ("url", "/mcp"),
        ("authorization", "Bearer ä"),
        ("label", "site"),
        ("timeout_sec", "0"),
    ],
)
def test_what_is_wrong_in_the_form_is_said(editor: Client, field: str, value: str) -> None:
    answer = editor.post(ADD, {**FIELDS, "url": "https://tools.example/mcp", field: value})
    assert list(answer.context["adminform"].form.errors) == [field]
    assert not McpServer.objects.exists()


def test_an_assistant_gets_them(editor: Client) -> None:
    server = McpServer.objects.create(label="house", url="https://tools.example/mcp")
    assistant = Assistant.objects.get(slug="tutor")
    url = reverse("admin:conversations_assistant_change", args=[assistant.pk])
    fields = {"name": "T", "slug": "tutor", "instructions": "I", "speed": "1.0", "mcp_servers": [server.pk]}
    fields |= {"fallbacks-TOTAL_FORMS": "0", "fallbacks-INITIAL_FORMS": "0"}
    assert editor.post(url, fields).status_code == 302
    assert list(assistant.mcp_servers.all()) == [server]


def test_viewing_is_not_changing(staff: Staff) -> None:
    server = McpServer.objects.create(label="house", url="https://tools.example/mcp")
    viewer = staff("view_mcpserver")
    assert viewer.get(build_change_url(server)).status_code == 200
    assert viewer.post(build_change_url(server), FIELDS).status_code == 403
    assert viewer.get(ADD).status_code == 403
    viewer.post(LIST, {"action": "try_again", "_selected_action": [server.pk]})
    server.refresh_from_db()
    assert server.tested_at is None
    assert staff("view_conversation").get(LIST).status_code == 403
