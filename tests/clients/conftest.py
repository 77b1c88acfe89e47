"""What the clients that others wrote need: themselves, and a machine with the server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from clients.installed import Installed
from clients.machine import Machine, answer, running_machine


@pytest.fixture(scope="session")
def installed() -> Installed:
    return Installed()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def machine() -> AsyncIterator[Machine]:
    async with running_machine(answer) as machine:
        yield machine
