"""Pixels: reading scans safely, measuring them, deriving views from them.

The master is the scanner's file, byte for byte; nothing in here writes to it. Everything is a
function of bytes: no clock, no settings, no network.
"""

import cv2

# One process a core is faster than many threads on one page, and keeps measurements repeatable.
cv2.setNumThreads(1)
