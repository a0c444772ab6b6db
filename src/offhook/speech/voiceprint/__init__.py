"""Who speaks: voiceprints, made and compared in numpy, kept encrypted, guarded against recordings played again.

It assists, and never decides alone: a synthetic voice that was made to sound like somebody passes as that person, and
nothing in here tells one from the other. It knows audio and speakers' names; nothing of calls.
"""

from .encoder import MODEL, Encoder
from .templates import Template, TemplateStore, new_key, read_key
from .verifier import Enrolment, Verdict, Verifier, VoiceCheck

__all__ = [
    "MODEL",
    "Encoder",
    "Enrolment",
    "Template",
    "TemplateStore",
    "Verdict",
    "Verifier",
    "VoiceCheck",
    "new_key",
    "read_key",
]
