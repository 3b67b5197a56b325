"""How letters leave the house: one contract, one module for each channel.

In: letters. Out: a receipt for each.
"""

from courtesy.stages.messages.channels.contract import Channel, Record
from courtesy.stages.messages.channels.email import Email
from courtesy.stages.messages.channels.recording import Recording
from courtesy.stages.messages.channels.smtp import SmtpServer

__all__ = ["Channel", "Email", "Record", "Recording", "SmtpServer"]
