"""The app's own comforts: looks, settings, pictures and first steps, apart from all threads."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from textual import events, on

from codextui.config.schema import Config
from codextui.console.appearance import Appearance
from codextui.console.bindings import format_keys
from codextui.console.first_steps import FirstStepsPresenter, Inspect
from codextui.console.key_dispatch import KeyDispatchingApp
from codextui.console.preferences import PreferencesPresenter
from codextui.console.screens import messages
from codextui.console.screenshots import PicturePresenter
from codextui.console.themes import VARIABLE_DEFAULTS
from codextui.errors import ConfigInvalid


class ComfortApp(KeyDispatchingApp):
    """Wires what concerns the console itself.

    Attributes:
        appearance: the theme and motion.
        pictures: saves the screen.
    """

    appearance: Appearance
    pictures: PicturePresenter

    _config: Config
    _keys: dict[str, str]

    def set_up_comfort(
        self,
        config: Config,
        config_path: Path | None,
        now: Callable[[], float],
        inspect: Inspect | None,
    ) -> None:
        """Create what belongs to it.

        Args:
            config: the user's configuration.
            config_path: its file; None if there can be none.
            now: returns unix seconds.
            inspect: looks at this machine; None looks for nothing.

        Raises:
            ConfigInvalid: the theme's name cannot be used.
        """
        self.appearance = Appearance(self, config.ui, config_path)
        self.pictures = PicturePresenter(self, now, explain=self.explain_in_dialog)
        self._preferences = PreferencesPresenter(
            self,
            config_path,
            self.appearance,
            self.apply_config,
            keys=self._keys,
            configured_keys=lambda: self._config.ui.keys,
        )
        self._inspect = inspect

    @cached_property
    def first_steps(self) -> FirstStepsPresenter:
        """Shows what this machine has."""
        return FirstStepsPresenter(self, self.main, self._inspect)

    def start_comfort(self, *, is_first_time: bool) -> None:
        """Begin after the first frame; `is_first_time` shows what this machine has."""
        self.appearance.start(self.main)
        if is_first_time:
            self.first_steps.welcome()

    def apply_config(self, config: Config) -> None:
        """Apply a changed configuration."""
        raise NotImplementedError

    def apply_keys(self, config: Config) -> None:
        """Use the keys of a changed configuration, unless they are the same or wrong."""
        from codextui.console.binding_places import checked_keys  # noqa: PLC0415 - the dialogs

        if config.ui.keys == self._config.ui.keys:
            return
        with contextlib.suppress(ConfigInvalid):
            keys = checked_keys(config.ui.keys, None)
            self._keys.clear()
            self._keys.update(keys)
            self.set_keymap(keys)
            self.main.workbench.new_thread_key = format_keys(keys.get("thread.new", "n"))
            self.main.mark_dirty()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return codextui's own colours, for themes that do not define them."""
        return VARIABLE_DEFAULTS

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Keep cursors from blinking, if the user wants nothing to move."""
        self.appearance.on_focus(event)

    def action_save_picture(self) -> None:
        """Save a picture of the screen."""
        self.pictures.save()

    @on(messages.OpenPreferences)
    def _handle_open_preferences(self) -> None:
        self._preferences.open()

    @on(messages.OpenFirstSteps)
    def _handle_open_first_steps(self) -> None:
        self.first_steps.open()
