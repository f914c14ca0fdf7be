#!/usr/bin/env python3
"""A chat through ctypes: waits for peers, or calls one.  What you type goes to everybody.  chat.py [HOST[:PORT]]"""
import ctypes, select, sys
from ctypes import (POINTER, byref, c_bool, c_char_p, c_int, c_int32, c_size_t, c_uint16, c_uint32, c_uint64, c_void_p,
                    create_string_buffer)

class Options(ctypes.Structure):  # the beginning of struct duet_options: its size says that the rest is left out
    _fields_ = [("size", c_size_t), ("trust", c_uint32), ("port", c_uint16), ("port_is_a_wish", c_bool),
                ("flags", c_bool * 6), ("family", c_int32)]

class Event(ctypes.Structure):  # the beginning of struct duet_event, which belongs to the library
    _fields_ = [("size", c_size_t), ("type", c_uint32), ("err", c_int32), ("peer", c_uint64), ("id", c_uint32),
                ("transfer", c_uint32), ("text", c_char_p), ("text_bytes", c_size_t)]

CONNECTED, TEXT = 8, 13  # enum duet_event_type
duet = ctypes.CDLL("libduet.so.0")
duet.duet_say.argtypes = [c_void_p, c_uint64, c_uint32, c_char_p, c_size_t]
duet.duet_dial.argtypes = [c_void_p, c_uint32, c_char_p, c_char_p]
duet.duet_next.argtypes, duet.duet_wait.argtypes = [c_void_p, c_void_p], [c_void_p, c_int, c_void_p]
duet.duet_fd.argtypes = duet.duet_node_free.argtypes = [c_void_p]
duet.duet_quit.argtypes = [c_void_p, c_bool]

options, node, event, error = Options(), c_void_p(), POINTER(Event)(), create_string_buffer(256)
duet.duet_options_init(byref(options), c_size_t(ctypes.sizeof(options)))
options.trust, options.port_is_a_wish = 2, len(sys.argv) > 1  # DUET_TRUST_NEW
if duet.duet_node_new(byref(options), byref(node), error) != 0:
    sys.exit(error.value.decode())
if sys.argv[1:] and duet.duet_dial(node, 1, sys.argv[1].encode(), error) != 0:
    sys.exit(error.value.decode())
stdin = open(0, "rb", buffering=0)  # select knows nothing of lines that a buffer holds already
while True:
    ready = select.select([stdin, duet.duet_fd(node)], [], [])[0]
    while duet.duet_next(node, byref(event)) == 1:
        e = event.contents
        if e.type == CONNECTED: print("connected", file=sys.stderr, flush=True)
        if e.type == TEXT: print("".join(c if c.isprintable() else " " for c in e.text.decode()), flush=True)
    if stdin in ready:
        line = stdin.readline()
        if not line: break
        duet.duet_say(node, 0, 1, line.rstrip(), len(line.rstrip()))  # DUET_EVERYBODY
duet.duet_quit(node, False)
while duet.duet_wait(node, 5000, byref(event)) == 1: pass
duet.duet_node_free(node)
