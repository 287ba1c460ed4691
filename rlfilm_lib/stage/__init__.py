"""One description of a filmed scene, the Take, and several ways to see it."""
