"""A conversation that is kept: saved as it happens with what is typed, left for another one and opened again.

Knows nothing of how messages are written and sent.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

from textual import on

from spectra_local.chat_settings import ChatSettings
from spectra_local.errors import StoreError
from spectra_local.printable import printable_line
from spectra_local.protocol import Assistant
from spectra_local.settings import Settings
from tui.adapter import Frame
from tui.archive import Archive
from tui.screens.conversation import ConversationScreen
from tui.session import Job, Session
from tui.state import Chat, Phase
from tui.titling import title_request, titles
from tui.widgets.composer import Composer
from tui.widgets.status_line import StatusLine
from tui.widgets.transcript import Transcript
from tui.widgets.turns import turn_widget

CONVERTING_S = 2.0  # opening takes milliseconds: what takes longer is converted
SAVE_EVERY_S = 2.0  # while an answer comes: kill -9 costs no more of it


class SavedConversationScreen(ConversationScreen):
    """One of many conversations."""

    is_first_chat = True  # what is typed before the chat of last time is shown stays, behind its draft

    def __init__(
        self, session: Session, archive: Archive, settings: Settings, open_named: Callable[[str], Assistant]
    ) -> None:
        super().__init__(session, settings, open_named)
        self.archive = archive
        self._editing: int | None = None  # the turn that is asked anew
        self._titling: Job | None = None
        self._saved_at = 0.0
        self._save_missed = False
        self._held_since: float | None = None  # when a question began to wait for the number of its chat
        self._draft = self._kept_draft = ""
        self._told_of_chats: set[tuple[int | None, str]] = set()  # what could not be used, by chat

    async def _start(self) -> None:
        """The conversation of last time is shown, when it is read: awaited here, the screen would stand still."""
        await super()._start()
        self.set_timer(CONVERTING_S, self._tell_of_converting)
        self.run_worker(self._resume())

    async def _resume(self) -> None:
        try:
            latest = await asyncio.to_thread(self.archive.latest)
        except StoreError as error:
            self.is_first_chat = False
            self.notify(printable_line(str(error)), markup=False)
        else:
            if not self.query(Transcript):  # the app ended meanwhile, and keeps what was typed by itself
                return
            chat = self.state.chat
            begun = (
                chat.turns or chat.id is not None or chat.own != ChatSettings()
            )  # typing was faster: its draft is kept
            if latest is not None and not begun:
                await self.show_chat(*latest)
            self.is_first_chat = False
            if notice := self.archive.notice():
                self.notify(printable_line(notice), markup=False, severity="warning", timeout=15)

    def _tell_of_converting(self) -> None:
        """A large store that another version wrote takes its time, once."""
        if self.is_first_chat and self.archive.is_busy:
            self.notify(
                "Saved chats are being brought up to date for this version; they are there when that is done. "
                "You can ask meanwhile.", title="Chats", markup=False, timeout=8,
            )  # fmt: skip

    def on_unmount(self) -> None:
        """The chat and what was typed are kept."""
        self.archive.settle()
        if self.is_first_chat and not self.state.chat.turns:
            self._find_latest()
        self.is_first_chat = False
        self.save(draft=True)
        self.archive.close()

    def _find_latest(self) -> None:
        """It ends before the chat of last time was shown: what was typed goes behind the draft of that."""
        with suppress(StoreError):
            if self._draft and (latest := self.archive.latest()) is not None:
                self.state.chat, before = latest
                self._draft = before + self._draft

    @on(Composer.Changed)
    def _typed(self) -> None:
        self._draft = self.query_one(Composer).message

    def choose(self, own: ChatSettings) -> None:
        """Settings for this chat alone, from the next message on."""
        self.state.chat.own = own
        self.save()
        self.follow_settings()

    def _progressed(self, frame: Frame) -> None:
        if frame.finished or frame.failure:
            self.save()
        if frame.finished:
            self._ask_for_title()
        unsaved = self.state.model.busy or self._draft != self._kept_draft or self._save_missed
        if unsaved and monotonic() - self._saved_at > SAVE_EVERY_S:
            self.save(draft=True)
        if self._held_since:
            self._begin()

    def save(self, *, draft: bool = False) -> None:
        """Writes what is new; what goes wrong is told and the chat goes on."""
        too_early = self.is_first_chat and not self.state.chat.turns  # for a chat of its own
        self._save_missed = self.archive.is_busy or too_early
        if self._save_missed:
            return
        self._saved_at = monotonic()
        wanted = self._draft if draft and self._editing is None else None
        if wanted is not None:
            self._kept_draft = wanted
        if trouble := self.archive.save(self.state.chat, wanted):
            self.notify(printable_line(trouble), markup=False, severity="warning")

    # Titles, which nobody waits for: what the user asks ends the search for one

    def _ask_for_title(self) -> None:
        chat = self.state.chat
        if (request := title_request(chat)) is None:
            return

        def deliver(_: Job, item: object) -> None:
            if isinstance(item, str):  # in the model's thread
                self.app.call_later(self._take_title, chat, item)

        self._titling = Job(lambda assistant: titles(assistant, request), deliver)
        self._session.run(self._titling)

    def _begin(self) -> None:
        """What is asked carries its chat's number, with which it is forgotten: it waits for that, but for no conversion
        of a large store."""
        chat = self.state.chat
        if self._titling is not None:
            self._session.stop(self._titling)
            self._titling = None
        if chat.id is None and not chat.incognito and chat.open_answer() is not None:
            self.save()
            self._held_since = self._held_since or monotonic()
            if self._save_missed and monotonic() - self._held_since < CONVERTING_S:
                return
        self._held_since = None
        super()._begin()

    def _take_title(self, chat: Chat, title: str) -> None:
        """A title by the model, unless the user chose another meanwhile."""
        if chat.id is not None and not chat.titled:
            with suppress(StoreError):  # the first words are a title, too
                self.archive.store.rename(chat.id, title, by_user=False)
                chat.title, chat.titled = title, True

    async def show_chat(self, chat: Chat, draft: str = "", at: int | None = None) -> None:
        """Puts another conversation on the screen, around the message with the row ``at`` or at its end."""
        self._session.abandon()
        self._answer, self._editing = None, None
        self._adapter.new_chat(chat)
        self.follow_settings()
        for notice in (*chat.notices, *self.in_force.notices):
            if (told := (chat.id, notice)) not in self._told_of_chats:  # another branch of it is opened, too
                self._told_of_chats.add(told)
                self.notify(notice, markup=False, severity="warning")
        composer = self.query_one(Composer)
        if draft or not self.is_first_chat:
            composer.show_text(draft + composer.message if self.is_first_chat else draft)
        self.is_first_chat = False
        self._draft = self._kept_draft = composer.message
        composer.border_title = "incognito: nothing is saved" if chat.incognito else ""
        around = next((n for n, turn in enumerate(chat.turns) if at is not None and turn.row == at), None)
        await self.query_one(Transcript).show(chat.turns, turn_widget, around)
        if self.query(StatusLine):  # else the app ended meanwhile; chat and draft are kept with it
            composer.focus()
            self._show_state()

    async def open_chat(self, chat: int, message: int | None = None) -> None:
        """Opens a saved chat at a message, or where it ends."""
        self.save(draft=True)
        try:
            found = self.archive.open(chat, message)
        except StoreError as error:
            self.notify(printable_line(str(error)), markup=False, severity="error")
            return
        if found is None:
            self.hint("That chat is gone.")
        else:
            await self.show_chat(*found, at=message)

    async def new_chat(self, *, incognito: bool = False) -> None:
        """An empty conversation with the same model; what was typed in one and not sent is there again."""
        self.save(draft=True)
        unsaid: tuple[Chat, str] | None = None
        with suppress(StoreError):  # then there is no draft to find
            unsaid = None if incognito or self.archive.is_busy else self.archive.unsaid()
        await self.show_chat(*unsaid or (Chat(incognito=incognito),))
        if self.state.model.phase is Phase.DOWN:
            await self._restart()

    def delete_chat(self, chat: int) -> None:
        """Deletes a saved chat for good, beside the screen; trouble is told."""

        async def delete() -> None:
            try:
                await asyncio.to_thread(self.archive.delete, chat)
            except StoreError as error:
                self.notify(printable_line(str(error)), markup=False, severity="error")

        self.run_worker(delete())

    def list_chats(self, words: str = "") -> None:
        """The list of chats."""
        from tui.screens.chats import ChatsScreen, Place

        self.save(draft=True)
        screen = ChatsScreen(self.archive, self.delete_chat, words, self.state.chat.id)

        async def go(place: Place | None) -> None:
            if place is not None:
                await self.open_chat(*place)
            elif self.state.chat.id in screen.deleted:
                await self.show_chat(Chat())

        self.app.push_screen(screen, go)
