"""Speech engines and what drives them: voice activity, turns, recognition and synthesis.

Engines are named by URI and loaded on first use, so that a base install without any of them still imports this
package. It knows audio and asyncio, and nothing of sessions, bots or messages.
"""
