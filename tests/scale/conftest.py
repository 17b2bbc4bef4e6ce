"""A server of S3 on this machine, and images in a bucket of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
import requests
from moto.server import ThreadedMotoServer
from PIL import Image

SECRET = "wJalrXUtnFEMI-not-a-real-secret-key"


@dataclass
class Bucket:
    """url: of the bucket.  endpoint: of the server."""

    url: str
    endpoint: str
    filesystem: Any

    def names(self, folder: str) -> list[str]:
        top = f"{self.url}/{folder}"
        return sorted(name.removeprefix(top.removeprefix("s3://") + "/") for name in self.filesystem.find(top))

    def read(self, name: str) -> bytes:
        return self.filesystem.cat_file(f"{self.url}/{name}")

    def fill(self, folder: Path, name: str) -> None:
        self.filesystem.put(f"{folder}/", f"{self.url}/{name}/", recursive=True)

    def allow(self, n_requests: int) -> None:
        """How many more requests are answered to whoever asks; none but those with rights after that, and nobody has any."""
        requests.post(f"{self.endpoint}/moto-api/reset-auth", data=str(n_requests), timeout=10)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """Its address. Clients in this process and in those it starts find it, and credentials, in the environment."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", endpoint)
        environment.setenv("AWS_ACCESS_KEY_ID", "AKIANOTAREALKEY")
        environment.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        environment.setenv("AWS_EC2_METADATA_DISABLED", "true")
        environment.setenv("AWS_MAX_ATTEMPTS", "1")
        yield endpoint
    server.stop()


@pytest.fixture
def bucket(s3_server: str, request: pytest.FixtureRequest) -> Iterator[Bucket]:
    """Empty."""
    filesystem = fsspec.filesystem("s3", use_listings_cache=False)
    name = f"b{abs(hash(request.node.nodeid)):x}"
    filesystem.mkdir(name)
    found = Bucket(f"s3://{name}", s3_server, filesystem)
    yield found
    found.allow(1 << 30)


@pytest.fixture(scope="session")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of several sizes and kinds, some small enough to share a call of the network, in two folders; read only."""
    folder = tmp_path_factory.mktemp("scans") / "in"
    (folder / "deeper").mkdir(parents=True)
    random = np.random.default_rng(3)
    for number in range(18):
        side = (40, 64, 140)[number // 6]
        image = Image.fromarray(random.integers(0, 256, (side, side + number % 2), dtype=np.uint8))
        where = folder / "deeper" if number % 5 == 4 else folder
        image.save(where / f"{number:02}.{('png', 'tif', 'bmp')[number % 3]}")
    return folder
