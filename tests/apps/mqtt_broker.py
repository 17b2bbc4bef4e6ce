"""A broker of MQTT in a process of its own, with a subscriber that writes down what comes: python mqtt_broker.py SETTINGS.json

SETTINGS: port; inner, the port of the subscriber, never encrypted; received, the file of lines; and for some tests user,
password, password_file, certfile, keyfile.
"""

import asyncio
import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any


async def serve(settings: dict[str, Any]) -> None:
    from amqtt.broker import Broker
    from amqtt.client import MQTTClient
    from amqtt.mqtt.constants import QOS_1

    listener = {"type": "tcp", "bind": f"127.0.0.1:{settings['port']}"}
    if "certfile" in settings:
        listener |= {"ssl": True, "certfile": settings["certfile"], "keyfile": settings["keyfile"]}
    plugins: dict[str, Any] = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    login = ""
    if "password_file" in settings:
        plugins = {"amqtt.plugins.authentication.FileAuthPlugin": {"password_file": settings["password_file"]}}
        login = f"{settings['user']}:{settings['password']}@"
    inner = {"type": "tcp", "bind": f"127.0.0.1:{settings['inner']}"}
    broker = Broker({"listeners": {"default": inner, "outer": listener}, "plugins": plugins})
    await broker.start()
    client = MQTTClient(config={"auto_reconnect": False})
    await client.connect(f"mqtt://{login}127.0.0.1:{settings['inner']}/")
    await client.subscribe([("#", QOS_1)])
    with open(settings["received"], "a", encoding="utf-8") as file:
        print("ready", flush=True)
        while True:
            message = await client.deliver_message()
            print(json.dumps([message.topic, bytes(message.data).decode()]), file=file, flush=True)


class RunningBroker:
    """Started, and stopped as by a power cut; start again at will."""

    def __init__(self, folder: Path, **settings: Any):
        self.port = free_port()
        self.received = folder / "received.jsonl"
        self.received.touch()
        self._settings = folder / "broker.json"
        self._settings.write_text(
            json.dumps({"port": self.port, "inner": free_port(), "received": str(self.received)} | settings)
        )
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> "RunningBroker":
        command = [sys.executable, __file__, str(self._settings)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        return self

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def lines(self, least: int = 0, seconds: float = 20) -> list[tuple[str, dict[str, Any]]]:
        """Topic and content of what has come, once there are so many."""
        deadline = time.monotonic() + seconds
        while True:
            found = [json.loads(line) for line in self.received.read_text().splitlines()]
            if len(found) >= least or time.monotonic() > deadline:
                return [(topic, json.loads(text)) for topic, text in found]
            time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


if __name__ == "__main__":
    asyncio.run(serve(json.loads(Path(sys.argv[1]).read_text())))
