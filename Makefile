# duet: one Makefile, no recursion except for variants.
#
#   make                build/duet and build/libduet.a
#   make V=NAME         the same under build/NAME/ (asan and tsan set their sanitizers; any other name just separates)
#   make asan | tsan    that variant of duet, the unit tests and the simulator
#   make unit           build and run the unit tests         make sim SEEDS=n   build and run the simulator
#   make unit FILTER='ring/*'   those of that pattern, SUITE/NAME; build/test/unit --here runs them for a debugger
#   make test           everything CI runs (installs what is missing first)
#   make demo           build and show it (installs what is missing first)
#   make fuzz SECONDS=n every fuzz target for n seconds      make bench         the benchmarks
#   make lint           formatting, layers, static analysis  make format        rewrite the sources with clang-format
#   make install PREFIX=/usr/local DESTDIR=
#
# VERBOSE=1 shows the commands.  B=DIR puts everything elsewhere (two makes must not share a build directory).

ifeq ($(origin CC),default)
CC = gcc
endif
AR = ar
PKG_CONFIG = pkg-config
PREFIX = /usr/local
DESTDIR =
V =
SEEDS = 200
SECONDS = 20

B = $(if $(V),build/$(V),build)
PACKAGES = ncursesw readline libsodium libcrypto libxxhash libutf8proc

# Asked once, and not at all for goals that must work before anything is installed (demo and test install it first).
NEEDS_NO_LIBS = demo test lint format clean
ifneq ($(if $(MAKECMDGOALS),$(filter-out $(NEEDS_NO_LIBS),$(MAKECMDGOALS)),all),)
# Feature macros are ours to choose (-D_GNU_SOURCE); ncurses would add an older _XOPEN_SOURCE.
PKG_CFLAGS := $(filter-out -D_%,$(shell $(PKG_CONFIG) --cflags $(PACKAGES) 2>/dev/null))
PKG_LIBS := $(shell $(PKG_CONFIG) --libs $(PACKAGES) 2>/dev/null)
ifeq ($(PKG_LIBS),)
$(error a build package is missing: run scripts/deps build)
endif
# Optional, amd64 only, without a pkg-config file: Intel IPSec-MB (a faster AES-GCM).  IPSEC_MB= builds without it.
IPSEC_MB := $(shell echo 'int main(void) { return (int)imb_get_version(); }' | $(CC) -include intel-ipsec-mb.h -x c \
    -o /dev/null - -lIPSec_MB 2>/dev/null && echo -lIPSec_MB)
# Optional, of use on amd64: libgcrypt (its AES-GCM is the faster one on some CPUs).  LIBGCRYPT= builds without it.
LIBGCRYPT := $(shell $(PKG_CONFIG) --libs libgcrypt 2>/dev/null)
endif

# gcc sees through _FORTIFY_SOURCE that a message may be cut short by snprintf; cutting it short is what snprintf is for.
WARNINGS = -Wall -Wextra -Wshadow -Wconversion -Werror $(if $(findstring clang,$(CC)),,-Wno-format-truncation)
HARDEN = -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
SANITIZE =
ifeq ($(V),asan)
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
HARDEN = -U_FORTIFY_SOURCE
endif
ifeq ($(V),tsan)
SANITIZE = -fsanitize=thread -fno-omit-frame-pointer
HARDEN = -U_FORTIFY_SOURCE
endif
# libFuzzer's main comes in at link time only.
ifeq ($(V),fuzz)
CC = clang
SANITIZE = -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
HARDEN = -U_FORTIFY_SOURCE
endif

# duet itself is optimised as a whole: a packet's way leads through small functions of many files (a seventh of its CPU
# time in user space).  The objects hold ordinary code too, and that is what the tests are linked of.  gcc only; LTO= is without.
LTO = $(if $(SANITIZE)$(findstring clang,$(CC)),,-flto=auto -ffat-lto-objects)

CFLAGS = -O2 -g
ALL_CFLAGS = -std=gnu17 -D_GNU_SOURCE $(CFLAGS) -Iinclude $(WARNINGS) $(HARDEN) -fPIE -pthread $(SANITIZE) $(PKG_CFLAGS) \
    $(if $(IPSEC_MB),-DDUET_HAVE_IPSEC_MB) $(if $(LIBGCRYPT),-DDUET_HAVE_LIBGCRYPT)
ALL_LDFLAGS = $(SANITIZE) -pie -Wl,-z,relro,-z,now $(LDFLAGS)
LIBS = $(PKG_LIBS) $(IPSEC_MB) $(LIBGCRYPT) -pthread -lm

MAIN := $(wildcard src/cli/main.c)
LIB_SRC := $(filter-out $(MAIN),$(sort $(wildcard src/*/*.c)))
UNIT_SRC := $(sort $(wildcard test/unit/*.c test/unit/*/*.c))
SIM_SRC := $(sort $(wildcard test/sim/*.c))
NET_SRC := $(sort $(wildcard test/net/*.c))
FUZZ_SRC := $(sort $(wildcard test/fuzz/fuzz_*.c))
BENCH_SRC := $(sort $(wildcard test/bench/*.c))

obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
MAIN_OBJ = $(call obj,$(MAIN))
LIB_OBJ = $(call obj,$(LIB_SRC))
UNIT_OBJ = $(call obj,$(UNIT_SRC))
SIM_OBJ = $(call obj,$(SIM_SRC))
NET_OBJ = $(call obj,$(NET_SRC))
FUZZ_BIN = $(patsubst test/fuzz/%.c,$(B)/test/%,$(FUZZ_SRC))
BENCH_BIN = $(patsubst test/bench/%.c,$(B)/test/%,$(BENCH_SRC))

LIB = $(B)/libduet.a
DUET = $(if $(MAIN),$(B)/duet)
UNIT = $(if $(UNIT_SRC),$(B)/test/unit)
SIM = $(if $(SIM_SRC),$(B)/test/sim)
LINKEMU = $(if $(NET_SRC),$(B)/test/linkemu)

ifeq ($(VERBOSE),)
say = @printf '  %-5s %s\n' $(1) $@;
else
say =
endif

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all demo test install asan tsan variant tools unit sim fuzz fuzz-bins bench bench-bins lint format clean FORCE

all: $(LIB) $(DUET)

variant: all $(UNIT) $(SIM)

tools: $(LINKEMU) $(B)/test/crowd

$(B)/duet: $(MAIN_OBJ) $(LIB)
	$(call say,LINK)$(CC) $(ALL_LDFLAGS) $(CFLAGS) $(LTO) -o $@ $(MAIN_OBJ) $(LIB) $(LIBS)

# Rebuilt whole, and also when a source disappears: no stale member survives a rename.
$(LIB): $(LIB_OBJ) $(B)/obj/lib.list
	$(call say,AR)rm -f $@ && $(AR) rcsD $@ $(LIB_OBJ)

$(B)/test/unit: $(UNIT_OBJ) $(LIB) $(B)/obj/unit.list
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(ALL_LDFLAGS) -fno-lto -o $@ $(UNIT_OBJ) $(LIB) $(LIBS)

$(B)/test/sim: $(SIM_OBJ) $(LIB) $(B)/obj/sim.list
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(ALL_LDFLAGS) -fno-lto -o $@ $(SIM_OBJ) $(LIB) $(LIBS)

$(B)/test/linkemu: $(NET_OBJ)
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(ALL_LDFLAGS) -o $@ $(NET_OBJ) -lm

$(B)/test/fuzz_%: $(B)/obj/test/fuzz/fuzz_%.o $(LIB)
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) -fsanitize=fuzzer $(ALL_LDFLAGS) -fno-lto -o $@ $< $(LIB) $(LIBS)

# Each a program of its own.
$(BENCH_BIN): $(B)/test/%: $(B)/obj/test/bench/%.o $(LIB)
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(ALL_LDFLAGS) -fno-lto -o $@ $< $(LIB) $(LIBS)

$(MAIN_OBJ) $(LIB_OBJ): ALL_CFLAGS += $(LTO)

$(UNIT_OBJ): ALL_CFLAGS += -Itest/unit

$(B)/obj/%.o: %.c $(B)/obj/flags.list
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# A list file changes only when its content does, so a new compiler, flag or source set rebuilds what depends on it.
LIST_flags = $(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(LTO)
LIST_lib = $(LIB_SRC)
LIST_unit = $(UNIT_SRC)
LIST_sim = $(SIM_SRC)
$(patsubst %,$(B)/obj/%.list,flags lib unit sim): $(B)/obj/%.list: FORCE
	@mkdir -p $(@D)
	@echo '$(LIST_$*)' | cmp -s - $@ || echo '$(LIST_$*)' >$@

asan tsan:
	+@$(MAKE) --no-print-directory V=$@ variant

unit: $(UNIT)
	$(if $(UNIT),$(UNIT) $(if $(FILTER),--filter '$(FILTER)'),@echo "no unit tests yet")

sim: $(SIM)
	$(if $(SIM),$(SIM) --seeds $(SEEDS),@echo "no simulator yet")

fuzz:
	+@$(MAKE) --no-print-directory V=fuzz fuzz-bins
	@test/fuzz/run --seconds $(SECONDS)

fuzz-bins: $(FUZZ_BIN)

bench-bins: all tools $(BENCH_BIN)

# BENCH="--quick loopback link": options and sections; test/bench/run tells which there are.
bench: bench-bins
	@BUILD=$(abspath $(B)) test/bench/run $(BENCH)

demo:
	@scripts/deps build
	+@$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$$(nproc)) all
	@if [ -x scripts/demo ]; then scripts/demo; else echo "make demo: scripts/demo is missing" >&2; exit 1; fi

test:
	@scripts/deps test
	+@scripts/test

install: all
	install -D -m 755 $(B)/duet $(DESTDIR)$(PREFIX)/bin/duet
	if [ -f doc/duet.1 ]; then install -D -m 644 doc/duet.1 $(DESTDIR)$(PREFIX)/share/man/man1/duet.1; fi

lint:
	@scripts/deps lint
	@scripts/lint

format:
	@scripts/deps lint
	@scripts/lint --format

clean:
	rm -rf build

-include $(patsubst %.o,%.d,$(MAIN_OBJ) $(LIB_OBJ) $(UNIT_OBJ) $(SIM_OBJ) $(NET_OBJ) $(patsubst %,$(B)/obj/%.o,$(basename $(FUZZ_SRC) $(BENCH_SRC))))
