"""Lines to an MQTT broker, by paho-mqtt (the extra `mqtt`).

Each line is delivered at least once (QoS 1). While the broker is away a limited number of them waits for it.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from imexseg.errors import JobError, UsageError

USER, PASSWORD = "IMEXSEG_MQTT_USER", "IMEXSEG_MQTT_PASSWORD"  # variables of the environment: arguments are seen by all
WAITING = 1000  # lines that are kept for a broker that is away
_FORM = "give HOST[:PORT]/TOPIC, or mqtts://HOST[:PORT]/TOPIC for TLS"
_ANSWER = 5.0  # seconds that the broker has for its answer, at the beginning and at the end
_KEEPALIVE = 30  # seconds of silence after which the broker is asked whether it is there
_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Address:
    """Where lines go."""

    host: str
    port: int
    topic: str
    tls: bool = False

    def __str__(self) -> str:
        return f"broker {f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def read_address(text: str) -> Address:
    """HOST[:PORT]/TOPIC, [IPv6]:PORT/TOPIC, with mqtt:// or mqtts:// before it. Raises: UsageError saying what is wrong."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "mqtt", text
    where, _, topic = rest.partition("/")
    if "@" in where:
        raise UsageError(
            f"--mqtt: credentials do not belong into an address, which others see; set {USER} and {PASSWORD}"
        )
    if scheme not in ("mqtt", "mqtts"):
        raise UsageError(f"--mqtt {text}: {scheme}:// is not understood; {_FORM}")
    if not topic:
        raise UsageError(f"--mqtt {text}: names no topic; {_FORM}")
    if any(sign in topic for sign in "+#") or not topic.isprintable() or len(topic.encode()) > 0xFFFF:
        raise UsageError(
            f"--mqtt {text}: nothing can be published under a topic with +, # or control characters, or of 64 kB"
        )
    host, colon, port = where.rpartition(":") if not where.endswith("]") else (where, "", "")
    if not colon:
        host, port = where, "8883" if scheme == "mqtts" else "1883"
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise UsageError(f"--mqtt {text}: {where!r} is not a host, or a host and a port of 1 to 65535; {_FORM}")
    return Address(host, int(port), topic, scheme == "mqtts")


class Broker:
    """A connection that comes back by itself.

    Args: environment: with the credentials, if the broker wants any.  say: takes a line for a person.
    Raises: JobError if the broker cannot be reached or refuses; UsageError for a password without a user.
    """

    def __init__(self, address: Address, environment: Mapping[str, str], say: Callable[[str], None]):
        from paho.mqtt.client import CallbackAPIVersion, Client

        self.address, self.say = address, say
        self.n_sent = self.n_acknowledged = self.n_lost = 0
        self._changed = threading.Condition()
        self._answer: str | None = None  # of the broker to the first attempt: what it objects to, "" if nothing
        self._away = self._closing = False
        self._client = client = Client(CallbackAPIVersion.VERSION2)
        client.max_queued_messages_set(WAITING)
        client.reconnect_delay_set(1, 30)
        client.on_connect, client.on_disconnect, client.on_publish = self._connected, self._left, self._published
        self._identify(environment)
        try:
            if address.tls:
                client.tls_set()
            client.connect(address.host, address.port, _KEEPALIVE)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise JobError(f"{address}: cannot be reached ({reason}); is it running, and is the port right?") from None
        client.loop_start()
        with self._changed:
            self._changed.wait_for(lambda: self._answer is not None, _ANSWER)
        if self._answer != "":
            self._end()
            if self._answer is None:
                raise JobError(f"{address}: does not answer as an MQTT broker does; is the port right?")
            raise JobError(f"{address}: refuses the connection ({self._answer}); check {USER} and {PASSWORD}")

    def send(self, line: str) -> None:
        """Hand a line over; returns at once, whether the broker is there or not."""
        from paho.mqtt.client import MQTT_ERR_QUEUE_SIZE

        if self._client.publish(self.address.topic, line, qos=1).rc != MQTT_ERR_QUEUE_SIZE:
            self.n_sent += 1
            return
        self.n_lost += 1
        if self.n_lost == 1:
            self.say(f"{self.address}: {WAITING} lines wait for it; until it takes them, new ones are lost")

    def close(self) -> str | None:
        """Wait a little for what is on its way. Returns: how many lines did not get there, in words; None if all did."""
        with self._changed:
            self._changed.wait_for(lambda: self.n_acknowledged >= self.n_sent, _ANSWER)
        undelivered = self.n_lost + self.n_sent - self.n_acknowledged
        self._end()
        total = self.n_sent + self.n_lost
        return f"{self.address}: {undelivered} of {total} lines did not get there" if undelivered else None

    def _identify(self, environment: Mapping[str, str]) -> None:
        user, password = environment.get(USER) or None, environment.get(PASSWORD) or None
        if password is not None and user is None:
            raise UsageError(f"{PASSWORD} is set and {USER} is not; MQTT knows no password without a user: set both")
        if user is not None:
            self._client.username_pw_set(user, password)
        if password is not None and not self.address.tls and self.address.host not in _LOCAL:
            self.say(f"{self.address}: gets the password without encryption; use mqtts:// if it knows TLS")

    def _end(self) -> None:
        self._closing = True
        self._client.disconnect()
        self._client.loop_stop()

    # Called by paho's own thread.

    def _connected(self, client: Any, data: Any, flags: Any, code: Any, properties: Any) -> None:
        if self._answer is None:
            with self._changed:
                self._answer = str(code) if code.is_failure else ""
                self._changed.notify_all()
        elif self._away and not code.is_failure:
            self._away = False
            self.say(f"{self.address}: is back after {time.monotonic() - self._since:.0f} s")

    def _left(self, client: Any, data: Any, flags: Any, code: Any, properties: Any) -> None:
        if self._answer == "" and not self._away and not self._closing:
            self._away, self._since = True, time.monotonic()
            self.say(f"{self.address}: the connection is lost ({code}); going on, and trying again")

    def _published(self, client: Any, data: Any, number: int, code: Any, properties: Any) -> None:
        with self._changed:
            self.n_acknowledged += 1
            self._changed.notify_all()
