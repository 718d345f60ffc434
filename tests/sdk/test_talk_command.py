"""`manage.py talk`: a question from a file, the answer into a file."""

from pathlib import Path

import pytest

from conversations.audio import opus
from conversations.management.commands.talk import read_pcm, write_wav
from tests.support.live import Result, Site
from tests.upstream.fixtures import Upstream

SECOND = 48_000  # bytes of PCM


@pytest.fixture
def question(tmp_path: Path, utterance: bytes) -> Path:
    path = tmp_path / "question.wav"
    write_wav(path, utterance)
    return path


def run_talk(site: Site, key: str, question: Path, *arguments: str) -> Result:
    return site.manage("talk", str(question), "--url", site.url, "--key", key, *arguments)


def assert_one_line(result: Result, *words: str) -> None:
    assert result.returncode == 1, result.stdout
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert all(word in lines[0] for word in words), lines[0]


def test_it_works(site: Site, key: str, upstream: Upstream, question: Path, tmp_path: Path) -> None:
    result = run_talk(site, key, question, "-o", str(tmp_path / "answer.wav"))
    assert result.returncode == 0, result.stderr
    conversation, you, assistant = result.stdout.splitlines()
    assert conversation.startswith("conversation conv_")
    assert you.startswith("you: ")
    assert assistant.startswith("assistant: ")
    answer = read_pcm(tmp_path / "answer.wav")
    assert len(answer) > SECOND / 2
    assert len(set(answer)) > 10, "silence"


def test_it_continues_a_conversation(site: Site, key: str, upstream: Upstream, question: Path) -> None:
    first = run_talk(site, key, question).stdout.splitlines()[0].removeprefix("conversation ")
    again = run_talk(site, key, question, "--conversation", first)
    assert again.stdout.startswith(f"conversation {first}\n")
    assert len(upstream.list_requests("chat")[-1]["asked"]["messages"]) == 4


def test_ogg_is_a_question_too(site: Site, key: str, upstream: Upstream, tmp_path: Path, utterance: bytes) -> None:
    (tmp_path / "question.ogg").write_bytes(opus.encode(utterance))
    assert run_talk(site, key, tmp_path / "question.ogg").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--key", "vp_wrong"], "The API key is wrong"),
        (["--assistant", "nobody"], "no assistant 'nobody'"),
        (["--conversation", "conv_x"], "no conversation 'conv_x'"),
        (["-o", "/nowhere/answer.wav"], "/nowhere/answer.wav cannot be written"),
        (["--url", "http://127.0.0.1:1"], "127.0.0.1"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    site: Site, key: str, upstream: Upstream, question: Path, arguments: list[str], words: str
) -> None:
    assert_one_line(run_talk(site, key, question, *arguments), words)


def test_a_failing_engine(site: Site, key: str, upstream: Upstream, question: Path) -> None:
    upstream.behave("chat", fault="401")
    assert_one_line(run_talk(site, key, question), "key")


def test_a_file_that_is_no_sound(site: Site, key: str, tmp_path: Path) -> None:
    (tmp_path / "question.wav").write_text("not a sound")
    assert_one_line(run_talk(site, key, tmp_path / "question.wav"), "question.wav", "not a sound file")
