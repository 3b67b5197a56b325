"""Every error of Courtesy, in one tree.

    CourtesyError
    ├── HomeError           the home folder: absent, locked, full
    │   └── PairError         a ledger and a lake of different times or homes
    ├── InputError          what somebody gave us
    │   ├── DefinitionError   a journey, audience, template or policy
    │   ├── ConditionError    a node of the condition language
    │   ├── MappingError      an import mapping
    │   ├── CallError         an API call
    │   └── DataError         rows of outside data, or of a home
    │       └── TooEarlyError   nobody came so far
    ├── QueryError          a question to the history
    ├── NotFoundError       the thing asked for is not there
    ├── AuthError           who is asking
    └── DeliveryError       handing a message to a channel

The first line of a class's docstring is its message. ``detail`` says what was found and what would
be right; ``place`` says where: a file and line, a path in a document, a column, a row.
"""


class CourtesyError(Exception):
    """Something went wrong."""

    def __init__(self, detail: str = "", *, place: str = "") -> None:
        self.detail = detail
        self.place = place
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """The sentence for the reader: where, what, and what would be right."""
        summary = (type(self).__doc__ or "").strip().splitlines()[0]
        sentence = f"{summary} {self.detail}".strip()
        return f"{self.place}: {sentence}" if self.place else sentence


class HomeError(CourtesyError):
    """The home folder cannot be used."""


class PairError(HomeError):
    """The ledger and the lake of this home do not belong together."""


class InputError(CourtesyError):
    """This input cannot be used."""


class DefinitionError(InputError):
    """This definition is not valid."""


class ConditionError(InputError):
    """This condition is not valid."""


class MappingError(InputError):
    """This mapping does not fit the file."""


class CallError(InputError):
    """This call was not accepted."""


class DataError(InputError):
    """This data cannot be used."""


class TooEarlyError(DataError):
    """It is too early to tell."""


class QueryError(CourtesyError):
    """The history could not answer this."""


class NotFoundError(CourtesyError):
    """There is nothing by that name."""


class AuthError(CourtesyError):
    """The write key is not known."""


class DeliveryError(CourtesyError):
    """The message could not be handed over."""
