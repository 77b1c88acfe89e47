"""Opens the settings of the console, saves them, and applies what can be applied at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from textual.app import App

from codextui.config.schema import Config
from codextui.console.appearance import Appearance
from codextui.errors import ConfigInvalid
from codextui.text.sanitize import one_line


class PreferencesPresenter:
    """Reads and writes the configuration file in a thread."""

    def __init__(
        self,
        app: App[int],
        path: Path | None,
        appearance: Appearance,
        apply: Callable[[Config], None],
        *,
        keys: Mapping[str, str],
        configured_keys: Callable[[], Mapping[str, str]],
    ) -> None:
        """Create a presenter.

        Args:
            app: the console.
            path: the configuration file; None if there can be none.
            appearance: the theme and motion.
            apply: applies a changed configuration to the rest of the console.
            keys: the keymap in use, which `apply` changes.
            configured_keys: returns `[ui.keys]` as it is in use.
        """
        self._app = app
        self._path = path
        self._appearance = appearance
        self._apply = apply
        self._keys = keys
        self._configured_keys = configured_keys

    def open(self) -> None:
        """Open the dialog as soon as the file has been read."""
        if self._path is None:
            self._app.notify("There is no configuration file to change.", severity="warning")
            return
        work = self._open(self._path)
        self._app.run_worker(work, group="preferences", exclusive=True, exit_on_error=False)

    async def _open(self, path: Path) -> None:
        from codextui.config.settings import read_settings_file  # noqa: PLC0415 - seldom needed
        from codextui.console.screens.preferences import PreferencesScreen  # noqa: PLC0415

        file = await asyncio.to_thread(read_settings_file, path)
        screen = PreferencesScreen(
            file,
            partial(self._save, path),
            themes=sorted(self._app.available_themes),
            preview=self._appearance.preview,
            open_keys=partial(self._open_keys, path),
        )
        self._app.push_screen(screen)

    async def _save(self, path: Path, changes: Mapping[str, str]) -> None:
        from codextui.config.settings import read_settings_file, save_texts  # noqa: PLC0415

        await asyncio.to_thread(save_texts, path, changes)
        file = await asyncio.to_thread(read_settings_file, path)
        self._appearance.keep_preview()
        self._appearance.set_motion(moves=file.config.ui.motion)
        self._apply(file.config)
        self._app.notify(f"Saved in {one_line(str(path))}", markup=False)

    def _open_keys(self, path: Path) -> None:
        from codextui.console import binding_places  # noqa: PLC0415 - imports the dialogs
        from codextui.console.screens.keys import KeysContext, KeysScreen  # noqa: PLC0415

        context = KeysContext(
            path=str(path),
            list_keys=lambda: binding_places.grouped_keys(self._keys),
            defaults=binding_places.rebindable_keys(),
            read_keys=self._configured_keys,
            change=partial(self._change_keys, path),
        )
        self._app.push_screen(KeysScreen(context))

    async def _change_keys(self, path: Path, binding_id: str, keys: str | None) -> None:
        """Change the keys of a binding in the file, and use them."""
        from codextui.config.settings import read_settings_file, save_binding_keys  # noqa: PLC0415
        from codextui.console.binding_places import changed_keys  # noqa: PLC0415

        file = await asyncio.to_thread(read_settings_file, path)
        if file.problem:
            raise ConfigInvalid(file.problem)
        changed_keys(file.config.ui.keys, binding_id, keys)
        self._apply(await asyncio.to_thread(save_binding_keys, path, binding_id, keys))
