"""``volcv serve`` with faults: asked for by name, listed, and refused where there is none."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from command_of_tests import VOLCV

from volcv_async.cli import main
from volcv_async.gateway import FAULTS


def connection_to(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    assert parts.hostname is not None
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)


def ask(url: str, method: str, path: str) -> tuple[int, bytes]:
    with closing(connection_to(url)) as connection:
        connection.request(method, path, body=b"{}")
        reply = connection.getresponse()
        return reply.status, reply.read()


def printed_url(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().decode().strip().partition("=")[2]


def test_faults_are_asked_for_by_name_and_rate() -> None:
    """A process of its own goes wrong as it was told to, counts it, and ends with Ctrl-C."""
    words = [VOLCV, "serve", "--port", "0", "--fault", "html_502:0.5", "--seed", "2"]
    words += ["--fault", "rate_429_empty:0.5"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:  # noqa: S603 - our own command
        url = printed_url(process)
        statuses = [ask(url, "POST", "/volcv/v1")[0] for _ in range(12)]
        ledger = json.loads(ask(url, "GET", "/ledger")[1])
        process.send_signal(2)
        assert process.wait(timeout=20) == 0
    assert set(statuses) == {502, 429}
    assert ledger["faults"] == {
        "html_502": statuses.count(502),
        "rate_429_empty": statuses.count(429),
    }
    assert ledger["paid"] == 0


def test_it_ends_with_ctrl_c_in_the_midst_of_a_fault() -> None:
    """A request that is met with silence holds nothing up."""
    words = [VOLCV, "serve", "--port", "0", "--time-scale", "0", "--fault", "silence:1"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:  # noqa: S603 - our own command
        url = printed_url(process)
        with closing(connection_to(url)) as connection:
            connection.request("POST", "/volcv/v1", body=b"{}")
            while not json.loads(ask(url, "GET", "/ledger")[1])["faults"]:
                pass
            process.send_signal(2)
            with pytest.raises(http.client.RemoteDisconnected):
                connection.getresponse()
        assert process.wait(timeout=20) == 0
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()


def test_the_faults_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """A line each: name, whether it is paid, and what it does."""
    assert main(["serve", "--faults"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(FAULTS)
    for line, fault in zip(lines, FAULTS.values(), strict=True):
        assert line.split()[1] == ("paid" if fault.paid else "unpaid")
        assert line.endswith(fault.does)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["html_503:1"], "There is no fault 'html_503'. The nearest: html_502"),
        (["html_502:1.5"], "The rate of html_502 must be a share of 0 to 1, not 1.5."),
        (["html_502"], "html_502 has no rate. Write it as html_502:0.1"),
        (["html_502:often"], "The rate of html_502 must be a number, not 'often'."),
        (["html_502:0.6", "nan:0.6"], "together must be at most 1, not 1.2."),
    ],
)
def test_a_fault_that_cannot_be_is_a_mistake_in_the_words(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends with 2, in a line."""
    assert main(["serve", *(part for word in words for part in ("--fault", word))]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert says in said.err
    assert len(said.err.splitlines()) == 1


def test_the_help_says_how_faults_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever needs a name finds where the names are."""
    assert main(["serve", "--help"]) == 0
    said = capsys.readouterr().out
    assert "--fault " in said
    assert "--faults" in said


def test_a_port_that_is_taken_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """The error names it, and how to have another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"Error: 127.0.0.1, port {port}, cannot be listened on: Address")
    assert "--port" in said.err


def test_a_number_that_is_no_port_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """The error says which numbers are."""
    assert main(["serve", "--port", "99999"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("Error: 127.0.0.1, port 99999, cannot be listened on: ")
    assert "0-65535" in said.partition("\n")[0]
