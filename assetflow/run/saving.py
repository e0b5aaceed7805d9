"""Values on their way into the store: given their data version, and saved under names of their own, now or beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

from assetflow.errors import StorageError
from assetflow.load.definitions import Bound, BoundOutput
from assetflow.model.journal import KeyEdit, Output
from assetflow.model.keys import Partition
from assetflow.model.storage import Codec
from assetflow.model.versions import DataVersion, Stored, fingerprint
from assetflow.run.context import StepContext
from assetflow.run.memory import ABSENT
from assetflow.run.results import has_effects
from assetflow.run.writer import Pending, Writer
from assetflow.store.codecs import Bytes, Json, Numpy, TableCodec, Text, codec_for
from assetflow.store.codecs.ports import is_table_codec
from assetflow.store.names import blob_name
from assetflow.store.values import Values
from assetflow.types.libraries import TableKind, kind_of_value, size_of

__all__ = ["Kept", "saved"]

#: What these keep comes back as handing it on gives it; anything else is loaded from the store.
_HANDED = (Json, Text, Bytes, Numpy, TableCodec)
#: Bytes of a table from which on its storing is worth a thread.
_LARGE = 16 << 20


class Kept(NamedTuple):
    """Values that are saved, one for each output."""

    #: What to record.
    outputs: tuple[Output, ...]
    #: What to hand on in memory, or ABSENT.
    values: tuple[Any, ...]
    #: The names of the blobs written.
    written: tuple[str, ...]
    #: Those that are still being stored.
    pending: Pending
    #: Partition keys to add to sets, and to take out.
    keys: tuple[KeyEdit, ...]


def saved(
    values: tuple[Any, ...],
    partitions: tuple[Partition, ...],
    bound: Bound,
    context: StepContext,
    store: Values,
    *,
    attempt: int,
    older: Sequence[Mapping[str, Stored]],
    writer: Writer | None,
) -> Kept:
    """Save the values. An older value with equal data and codec lends its bytes, if they are still there.

    A large table that is handed on is left to the writer, where there is one and it has nothing else to do.
    """
    state, metadata = context.state_after(), context.metadata_after()
    outputs: list[Output] = []
    handed_on: list[Any] = []  # values of the user
    written: list[str] = []
    pending: dict[int, Future[Stored]] = {}
    new: tuple[str, ...]
    for number, (value, partition) in enumerate(zip(values, partitions, strict=True)):
        if value is None and (context.recorded or has_effects(bound)):
            stored, again, new = _effect(context, attempt), None, ()
        else:
            candidates = older[number] if older else {}
            saving = _Saving(partition, bound.outputs[number], store, attempt, candidates, metadata)
            stored, again, new = saving.saved(value, writer)
            if saving.later is not None:
                pending[number] = saving.later
        if metadata:
            stored = replace(stored, metadata=metadata)
        outputs.append(Output(partition=partition, stored=stored, state=state, lineage=context.lineage))
        handed_on.append(again)
        written += new
    return Kept(tuple(outputs), tuple(handed_on), tuple(written), pending, context.keys_after())


@dataclass(slots=True)
class _Saving:
    """One output being saved."""

    partition: Partition
    output: BoundOutput
    store: Values
    attempt: int
    older: Mapping[str, Stored]
    metadata: tuple[tuple[str, str], ...]
    #: Where the value will lie, if it is stored beside the steps.
    later: Future[Stored] | None = None

    def saved(self, value: Any, writer: Writer | None) -> tuple[Stored, Any, tuple[str, ...]]:
        """Where the value lies now, the value to hand on (or ABSENT), and the names of blobs written."""
        store, older = self.store, self.older
        codec = self.output.codec or codec_for(self.output.hint, value)
        name = blob_name(self.partition, self.attempt, codec.suffix)
        if type(codec) is not Json:
            if kind_of_value(value) is TableKind.ARROW_READER:
                return _streamed(store.save(value, codec, name, older=older), codec, store, older)
            value = store.settled(value, codec)
        version = store.version(value, codec)
        again = value if isinstance(codec, _HANDED) else ABSENT
        same = older.get(version.digest)
        if same is not None and same.codec == codec.text and _is_there(same, store):
            return replace(same, data=version, metadata=()), again, ()
        if writer is not None and is_table_codec(codec) and size_of(value) >= _LARGE:
            self.later = writer.begin(partial(self._stored, value, codec, name, version))
            if self.later is not None:
                return Stored(data=version, codec=codec.text, schema=codec.schema(version)), again, ()
        stored = store.save(value, codec, name, version, older=older)
        return stored, again, () if stored.blob is None else (stored.blob.name,)

    def _stored(self, value: Any, codec: TableCodec, name: str, version: DataVersion) -> Stored:
        """The value stored, in the writer's thread. Raises StorageError, also where it is another one by now."""
        stored = self.store.save(value, codec, name, version, older=self.older)
        if self.store.version(value, codec).digest != version.digest:
            what = f"the value of {self.partition} was changed after it was returned"
            raise StorageError("value-changed", what, hint="return a copy")
        return replace(stored, metadata=self.metadata) if self.metadata else stored


def _streamed(
    stored: Stored, codec: Codec, store: Values, older: Mapping[str, Stored]
) -> tuple[Stored, Any, tuple[str, ...]]:
    """A stream's version is known only when it is written: where an older value is equal, its own file goes again."""
    blob, same = stored.blob, older.get(stored.data.digest)
    if same is not None and same.codec == codec.text and same.blob != blob and _is_there(same, store):
        if blob is not None:
            store.store.delete(blob.name)
        return replace(same, data=stored.data, metadata=()), ABSENT, ()
    return stored, ABSENT, () if blob is None else (blob.name,)


def _is_there(stored: Stored, store: Values) -> bool:
    return stored.blob is None or store.store.size(stored.blob.name) == stored.blob.size


def _effect(context: StepContext, attempt: int) -> Stored:
    """What is recorded of something made elsewhere. Without a hash from the user, each run counts as a change."""
    if context.recorded is None:
        return Stored(data=DataVersion(fingerprint("effect", str(attempt))), codec="")
    uri, digest = context.recorded
    return Stored(data=DataVersion(fingerprint("recorded", uri, digest)), codec="", uri=uri)
