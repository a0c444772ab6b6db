"""One module for each engine: the engine's own library behind the protocols of `offhook.speech.engines`.

Libraries are imported inside functions only, so that a module can be asked what it offers without being installed.
"""
