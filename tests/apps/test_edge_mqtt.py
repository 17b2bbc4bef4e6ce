"""imexseg edge --mqtt beside a real broker: what arrives, and what is said when it is not there."""

import datetime
import ipaddress
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from mqtt_broker import RunningBroker, free_port

from imexseg.cli.main import main
from imexseg.edge.mqtt import PASSWORD, USER, Address, read_address
from imexseg.errors import UsageError

SECRET = "hunter2-is-secret"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RunningBroker]:
    running = RunningBroker(tmp_path)
    yield running.start()
    running.kill()


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Three images of 64 × 64 pixels: dark, middle and bright."""
    folder = tmp_path / "images"
    folder.mkdir()
    for name, grey in {"a": 0, "b": 120, "c": 250}.items():
        cv2.imwrite(str(folder / f"{name}.png"), np.full((64, 64), grey, np.uint8))
    return folder


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("hall/camera", Address("hall", 1883, "camera")),
        ("hall:1884/a/b c", Address("hall", 1884, "a/b c")),
        ("[fe80::1]/t", Address("fe80::1", 1883, "t")),
        ("[fe80::1]:99/t", Address("fe80::1", 99, "t")),
        ("mqtt://hall/t", Address("hall", 1883, "t")),
        ("mqtts://hall/t@home", Address("hall", 8883, "t@home", tls=True)),
    ],
)
def test_addresses(text: str, address: Address):
    assert read_address(text) == address


@pytest.mark.parametrize(
    ("text", "explanation"),
    [
        ("hall", "names no topic"),
        ("hall/", "names no topic"),
        ("/topic", "is not a host"),
        ("hall:0/t", "a port of 1 to 65535"),
        ("hall:66000/t", "a port of 1 to 65535"),
        ("hall:x/t", "a port of 1 to 65535"),
        ("http://hall/t", "http:// is not understood"),
        ("hall/t/#", "with +, #"),
        ("hall/t\x1b", "control characters"),
        (f"me:{SECRET}@hall/t", USER),
    ],
)
def test_addresses_that_cannot_be(text: str, explanation: str):
    with pytest.raises(UsageError) as raised:
        read_address(text)
    assert explanation in str(raised.value)
    assert SECRET not in str(raised.value)


def test_every_line_arrives(models: Path, images: Path, broker: RunningBroker, capfd: pytest.CaptureFixture[str]):
    arguments = [
        "--source",
        str(images),
        "--headless",
        "--mqtt",
        f"127.0.0.1:{broker.port}/hall/camera",
        "--json-lines",
    ]
    assert main(["edge", str(models / "qtips.onnx"), *arguments]) == 0
    printed = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    arrived = broker.lines(least=3)
    assert [topic for topic, _ in arrived] == ["hall/camera"] * 3
    assert [line for _, line in arrived] == printed
    assert [line["pixels"]["bright"] for line in printed] == [0, 0, 64 * 64 - corners(64)]


def corners(side: int) -> int:
    """Pixels near the border, of which the mean over a box of 5 × 5 that reaches over it is lower: not bright."""
    grey = cv2.blur(np.full((side, side), 250.0), (5, 5), borderType=cv2.BORDER_CONSTANT)
    return int((grey <= 170).sum())


def test_credentials_are_taken_from_the_environment_and_never_shown(
    models: Path, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    from pwdlib.hashers.argon2 import Argon2Hasher

    passwords = tmp_path / "passwords"
    passwords.write_text(f"camera:{Argon2Hasher().hash(SECRET)}\n")
    broker = RunningBroker(tmp_path, user="camera", password=SECRET, password_file=str(passwords)).start()
    arguments = ["edge", str(models / "qtips.onnx"), "--source", str(images / "a.png"), "--headless"]
    arguments += ["--mqtt", f"127.0.0.1:{broker.port}/t"]
    try:
        monkeypatch.setenv(USER, "camera")
        monkeypatch.setenv(PASSWORD, SECRET)
        assert main(arguments) == 0
        assert len(broker.lines(least=1)) == 1
        monkeypatch.setenv(PASSWORD, f"not-{SECRET}")
        assert main(arguments) == 1
        monkeypatch.delenv(USER)
        assert main(arguments) == 2
    finally:
        broker.kill()
    said = capfd.readouterr()
    assert SECRET not in said.out + said.err
    assert "refuses the connection" in said.err
    assert f"{PASSWORD} is set and {USER} is not" in said.err


def test_a_broker_that_is_not_there_is_one_line(models: Path, images: Path, capfd: pytest.CaptureFixture[str]):
    address = f"127.0.0.1:{free_port()}/t"
    assert main(["edge", str(models / "qtips.onnx"), "--source", str(images), "--headless", "--mqtt", address]) == 1
    said = capfd.readouterr().err.splitlines()
    assert len(said) == 1
    assert "cannot be reached (Connection refused)" in said[0]


def test_what_is_no_broker_is_one_line(
    models: Path, images: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """Something that takes connections and never answers."""
    monkeypatch.setattr("imexseg.edge.mqtt._ANSWER", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}/t"
        arguments = ["--source", str(images), "--headless", "--mqtt", address]
        assert main(["edge", str(models / "qtips.onnx"), *arguments]) == 1
    said = capfd.readouterr().err.splitlines()
    assert len(said) == 1
    assert "does not answer as an MQTT broker" in said[0]


def test_a_broker_that_goes_away_gets_what_it_missed(models: Path, tmp_path: Path, broker: RunningBroker):
    """A film of six seconds; in its middle the broker is killed and comes back. Nothing is lost, and both are said."""
    film = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter_fourcc(*"MJPG"), 10, (80, 48))
    for number in range(60):
        writer.write(np.full((48, 80, 3), number, np.uint8))
    writer.release()
    command = [sys.executable, "-m", "imexseg", "edge", str(models / "colour.onnx"), "--source", str(film)]
    command += ["--headless", "--queue", "200", "--mqtt", f"127.0.0.1:{broker.port}/t"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert len(broker.lines(least=10)) >= 10
        broker.kill()
        time.sleep(1.5)
        broker.start()
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 0, said
    assert "the connection is lost" in said
    assert "is back after" in said
    assert "60 frames" in said
    frames = [line["frame"] for _, line in broker.lines(least=60)]
    assert sorted(set(frames)) == [f"film_{number:06d}" for number in range(60)]  # some may have come twice


def test_a_broker_that_stays_away_loses_what_it_misses(
    models: Path,
    images: Path,
    broker: RunningBroker,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    """The images are segmented all the same; how many lines were lost is said, and the job has failed."""
    monkeypatch.setattr("imexseg.edge.mqtt._ANSWER", 2.0)
    monkeypatch.setattr("imexseg.edge.mqtt.WAITING", 20)
    for copy in range(60):
        os.link(images / "b.png", images / f"copy{copy}.png")
    from imexseg.edge.mqtt import Broker

    send, sent = Broker.send, 0

    def send_and_kill(self: Broker, line: str) -> None:
        nonlocal sent
        send(self, line)
        sent += 1
        if sent == 1:
            broker.lines(least=1)
            broker.kill()

    monkeypatch.setattr(Broker, "send", send_and_kill)
    output = images.parent / "out"
    arguments = ["--source", str(images), "--headless", "--output", str(output)]
    code = main(["edge", str(models / "qtips.onnx"), *arguments, "--mqtt", f"127.0.0.1:{broker.port}/t"])
    said = capfd.readouterr().err
    assert code == 1, said
    assert "the connection is lost" in said
    assert "20 lines wait for it" in said
    assert "62 of 63 lines did not get there" in said
    assert len(list(output.glob("*_mask.png"))) == 63


def test_encrypted(
    models: Path, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    certificate, key = certified(tmp_path)
    broker = RunningBroker(tmp_path, certfile=str(certificate), keyfile=str(key)).start()
    arguments = ["edge", str(models / "qtips.onnx"), "--source", str(images / "a.png"), "--headless"]
    arguments += ["--mqtt", f"mqtts://localhost:{broker.port}/t"]
    try:
        assert main(arguments) == 1  # nobody vouches for it
        assert "CERTIFICATE_VERIFY_FAILED" in capfd.readouterr().err
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert main(arguments) == 0
        assert len(broker.lines(least=1)) == 1
    finally:
        broker.kill()


def certified(folder: Path) -> tuple[Path, Path]:
    """A certificate for this machine that vouches for itself, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_path, key_path = folder / "certificate.pem", folder / "key.pem"
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_path, key_path


def test_no_thread_is_left(models: Path, images: Path, broker: RunningBroker):
    before = threading.active_count()
    arguments = ["--source", str(images), "--headless", "--mqtt", f"127.0.0.1:{broker.port}/t"]
    assert main(["edge", str(models / "qtips.onnx"), *arguments]) == 0
    assert threading.active_count() == before
