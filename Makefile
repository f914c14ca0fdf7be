# duet: one Makefile, no recursion except for variants.
#
#   make                build/duet, build/libduet.a and build/libduet.so.0
#   make check          unit tests, simulator and layers: no root, no network, no packages
#   make test           everything CI runs (installs what is missing first)
#   make demo           build and show it (installs what is missing first)
#   make install        DESTDIR= prefix= bindir= mandir= ... as GNU has them; uninstall takes the same
#   make dist           build/duet-VERSION.tar.gz of what is committed; distcheck builds, checks and installs from it
#
#   make unit FILTER='ring/*'   unit tests of that pattern, SUITE/NAME; build/test/unit --here runs them for a debugger
#   make sim SEEDS=n    the simulator                        make fuzz SECONDS=n   every fuzz target for n seconds
#   make bench          the benchmarks                       make asan | tsan      duet, unit tests and simulator with them
#   make lint           formatting, layers, static analysis  make format           rewrite the sources with clang-format
#   make docs           man page and completions of the table of options
#
#   make deb            Debian packages of what is committed, in build/deb (installs what is missing first)
#
# IPSEC_MB and LIBGCRYPT, the optional libraries (README): auto takes what is there, yes fails without it, no does without.
# What was built in is said at the end.
#
# V=1 shows the commands.  WERROR=1 makes a warning an error, as tests and lint do.  VARIANT=NAME builds under build/NAME/
# (asan, tsan and fuzz set their sanitizers; any other name just separates), B=DIR elsewhere: two makes must not share a
# build directory.  CC, CFLAGS, CPPFLAGS and LDFLAGS are yours, from the environment too.

VERSION := $(shell cat VERSION)

ifeq ($(origin CC),default)
CC = gcc
endif
AR = ar
OBJCOPY = objcopy
PKG_CONFIG ?= pkg-config
VARIANT =
V =
WERROR =
IPSEC_MB ?= auto
LIBGCRYPT ?= auto
SEEDS = 200
SECONDS = 20

ifneq ($(filter-out 0 1,$(V)),)
$(error V=1 shows the commands; a variant is VARIANT=$(V))
endif

# choice NAME: auto, yes or no.
define choice
ifeq ($(filter auto yes no,$(value $(1))),)
$$(error $(1)=$(value $(1)): it is auto, yes or no)
endif
endef
$(foreach name,IPSEC_MB LIBGCRYPT,$(eval $(call choice,$(name))))

# GNU Coding Standards, "Variables for Specifying Commands" and "Directory Variables".
INSTALL = install
INSTALL_PROGRAM = $(INSTALL)
INSTALL_DATA = $(INSTALL) -m 644
DESTDIR =
prefix = /usr/local
exec_prefix = $(prefix)
bindir = $(exec_prefix)/bin
datarootdir = $(prefix)/share
datadir = $(datarootdir)
libdir = $(exec_prefix)/lib
includedir = $(prefix)/include
mandir = $(datarootdir)/man
man1dir = $(mandir)/man1
man3dir = $(mandir)/man3
man5dir = $(mandir)/man5
bashcompletiondir = $(datadir)/bash-completion/completions
zshcompletiondir = $(datadir)/zsh/site-functions
fishcompletiondir = $(datadir)/fish/vendor_completions.d
systemduserunitdir = $(exec_prefix)/lib/systemd/user
pkgconfigdir = $(libdir)/pkgconfig

B = $(if $(VARIANT),build/$(VARIANT),build)
LIB_PACKAGES = libsodium libcrypto libxxhash libutf8proc
UI_PACKAGES = ncursesw readline
PACKAGES = $(UI_PACKAGES) $(LIB_PACKAGES)

# Asked once, and not at all for goals that must work before anything is installed (demo and test install it first).
NEEDS_NO_LIBS = demo test lint format clean dist distcheck deb uninstall
ifneq ($(if $(MAKECMDGOALS),$(filter-out $(NEEDS_NO_LIBS),$(MAKECMDGOALS)),all),)
# Feature macros are ours to choose (-D_GNU_SOURCE); ncurses would add an older _XOPEN_SOURCE.
PKG_CFLAGS := $(filter-out -D_%,$(shell $(PKG_CONFIG) --cflags $(PACKAGES) 2>/dev/null))
UI_LIBS := $(shell $(PKG_CONFIG) --libs $(UI_PACKAGES) 2>/dev/null)
PKG_LIBS := $(shell $(PKG_CONFIG) --libs $(LIB_PACKAGES) 2>/dev/null)
ifeq ($(and $(UI_LIBS),$(PKG_LIBS)),)
$(error a build package is missing: run scripts/deps build)
endif
# Intel IPSec-MB is for amd64 only, and has no pkg-config file.
IPSEC_MB_LIBS := $(if $(filter-out no,$(IPSEC_MB)),$(shell echo 'int main(void) { return (int)imb_get_version(); }' | \
    $(CC) -include intel-ipsec-mb.h -x c -o /dev/null - -lIPSec_MB 2>/dev/null && echo -lIPSec_MB))
LIBGCRYPT_LIBS := $(if $(filter-out no,$(LIBGCRYPT)),$(shell $(PKG_CONFIG) --libs libgcrypt 2>/dev/null))
ifeq ($(IPSEC_MB)$(IPSEC_MB_LIBS),yes)
$(error IPSEC_MB=yes, and there is no libIPSec_MB with intel-ipsec-mb.h: install libipsec-mb-dev, or say auto or no)
endif
ifeq ($(LIBGCRYPT)$(LIBGCRYPT_LIBS),yes)
$(error LIBGCRYPT=yes, and there is no libgcrypt: install libgcrypt20-dev, or say auto or no)
endif
endif

# gcc sees through _FORTIFY_SOURCE that a message may be cut short by snprintf; cutting it short is what snprintf is for.
WARNINGS = -Wall -Wextra -Wshadow -Wconversion $(if $(WERROR),-Werror) $(if $(findstring clang,$(CC)),,-Wno-format-truncation)
HARDEN = -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
SANITIZE =
ifeq ($(VARIANT),asan)
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
HARDEN = -U_FORTIFY_SOURCE
endif
ifeq ($(VARIANT),tsan)
SANITIZE = -fsanitize=thread -fno-omit-frame-pointer
HARDEN = -U_FORTIFY_SOURCE
endif
# libFuzzer's main comes in at link time only.
ifeq ($(VARIANT),fuzz)
CC = clang
SANITIZE = -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
HARDEN = -U_FORTIFY_SOURCE
endif

# duet itself is optimised as a whole: a packet's way leads through small functions of many files (a seventh of its CPU
# time in user space).  The objects hold ordinary code too, and that is what the tests are linked of.  gcc only; LTO= is without.
LTO = $(if $(SANITIZE)$(findstring clang,$(CC)),,-flto=auto -ffat-lto-objects)

CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=gnu17 -D_GNU_SOURCE $(CPPFLAGS) $(CFLAGS) -Isrc -Iinclude $(WARNINGS) $(HARDEN) -fPIE -pthread $(SANITIZE) $(PKG_CFLAGS) \
    $(if $(IPSEC_MB_LIBS),-DDUET_HAVE_IPSEC_MB) $(if $(LIBGCRYPT_LIBS),-DDUET_HAVE_LIBGCRYPT)
ALL_LDFLAGS = $(SANITIZE) -pie -Wl,-z,relro,-z,now $(LDFLAGS)
LIB_CFLAGS = -fPIC -fvisibility=hidden
LIB_LIBS = $(PKG_LIBS) $(IPSEC_MB_LIBS) $(LIBGCRYPT_LIBS) -pthread -lm
LIBS = $(UI_LIBS) $(LIB_LIBS)

MAIN = src/cli/main.c
PROGRAM_ROOMS = client chat ui cli
PROGRAM_SRC := $(filter-out $(MAIN),$(sort $(wildcard $(PROGRAM_ROOMS:%=src/%/*.c))))
LIB_SRC := $(filter-out $(MAIN) $(PROGRAM_SRC),$(sort $(wildcard src/*/*.c)))
UNIT_SRC := $(sort $(wildcard test/unit/*.c test/unit/*/*.c))
SIM_SRC := $(sort $(wildcard test/sim/*.c))
NET_SRC := $(sort $(wildcard test/net/*.c))
FUZZ_SRC := $(sort $(wildcard test/fuzz/fuzz_*.c))
BENCH_SRC := $(sort $(wildcard test/bench/*.c))

obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
MAIN_OBJ = $(call obj,$(MAIN))
LIB_OBJ = $(call obj,$(LIB_SRC))
PROGRAM_OBJ = $(call obj,$(PROGRAM_SRC))
UNIT_OBJ = $(call obj,$(UNIT_SRC))
SIM_OBJ = $(call obj,$(SIM_SRC))
NET_OBJ = $(call obj,$(NET_SRC))
FUZZ_BIN = $(patsubst test/fuzz/%.c,$(B)/test/%,$(FUZZ_SRC))
BENCH_BIN = $(patsubst test/bench/%.c,$(B)/test/%,$(BENCH_SRC))

# The section `library` of the benchmarks: a program for duet's library, and one for each of these that is here
# (scripts/deps bench).  Asked only when they are to be built.
LIBRARY_BENCH = duet
ifneq ($(filter bench%,$(MAKECMDGOALS)),)
LIBRARY_PACKAGES_enet = libenet
LIBRARY_PACKAGES_srt = srt
LIBRARY_PACKAGES_usrsctp = usrsctp
LIBRARY_PACKAGES_ngtcp2 = libngtcp2 libngtcp2_crypto_gnutls gnutls
LIBRARY_BENCH += $(foreach l,enet srt usrsctp ngtcp2,$(shell $(PKG_CONFIG) --exists $(LIBRARY_PACKAGES_$(l)) && echo $(l)))
endif
LIBRARY_BENCH_BIN = $(patsubst %,$(B)/test/library/%,$(LIBRARY_BENCH))

LIB = $(B)/libduet.a
SHARED = $(B)/libduet.so.0
INTERNAL = $(B)/obj/internal.a
DUET = $(B)/duet
UNIT = $(B)/test/unit
SIM = $(B)/test/sim
LINKEMU = $(B)/test/linkemu

ifneq ($(V),1)
say = @printf '  %-5s %s\n' $(1) $@;
else
say =
endif

comma = ,

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all check demo test install uninstall dist distcheck deb asan tsan variant tools unit sim fuzz fuzz-bins bench bench-bins lint format docs clean FORCE

all: $(LIB) $(SHARED) $(DUET)
	@echo '  $(DUET) $(VERSION): AES-GCM by libcrypto$(if $(IPSEC_MB_LIBS),$(comma) IPSec-MB)$(if \
	$(LIBGCRYPT_LIBS),$(comma) libgcrypt)$(if $(IPSEC_MB_LIBS),,; no IPSec-MB)$(if $(LIBGCRYPT_LIBS),,; no libgcrypt)'

variant: all $(UNIT) $(SIM)

tools: $(LINKEMU) $(B)/test/crowd $(B)/option-table

# The program comes in by the door: of the library it sees what every program sees.  Of base it has objects of its own.
$(B)/duet: $(MAIN_OBJ) $(PROGRAM_OBJ) $(B)/obj/base.a $(LIB)
	$(call say,LINK)$(CC) $(ALL_LDFLAGS) $(CFLAGS) $(LTO) -o $@ $(MAIN_OBJ) $(PROGRAM_OBJ) $(B)/obj/base.a $(LIB) $(LIBS)

$(B)/obj/base.a: $(filter $(B)/obj/src/base/%,$(LIB_OBJ)) $(B)/obj/lib.list
	$(call say,AR)rm -f $@ && $(AR) rcsD $@ $(filter %.o,$^)

# What tests are linked of: every room, with everything it has.  Rebuilt whole, and also when a source disappears: no
# stale member survives a rename.
$(INTERNAL): $(LIB_OBJ) $(PROGRAM_OBJ) $(B)/obj/lib.list
	$(call say,AR)rm -f $@ && $(AR) rcsD $@ $(LIB_OBJ) $(PROGRAM_OBJ)

# The library is one object, optimised as a whole, in which only the names of the door are left to others.
$(B)/obj/libduet.o: $(LIB_OBJ) $(B)/obj/lib.list
	$(call say,LD)$(CC) -r -nostdlib $(CFLAGS) -fPIC $(if $(LTO),$(LTO) -flinker-output=nolto-rel) -o $@ $(LIB_OBJ)
	@$(OBJCOPY) --wildcard --keep-global-symbol='duet_*' $@

$(LIB): $(B)/obj/libduet.o
	$(call say,AR)rm -f $@ && $(AR) rcsD $@ $<

$(SHARED): $(B)/obj/libduet.o src/api/libduet.map
	$(call say,LINK)$(CC) -shared $(SANITIZE) $(CFLAGS) -fno-lto -Wl,-z,relro,-z,now $(LDFLAGS) -Wl,-soname,$(@F) \
	    -Wl,--version-script=src/api/libduet.map $(if $(SANITIZE),,-Wl,-z,defs) -o $@ $< $(LIB_LIBS)

$(B)/test/unit: $(UNIT_OBJ) $(INTERNAL) $(B)/obj/unit.list
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(ALL_LDFLAGS) -fno-lto -o $@ $(UNIT_OBJ) $(INTERNAL) $(LIBS)

$(B)/test/sim: $(SIM_OBJ) $(INTERNAL) $(B)/obj/sim.list
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(ALL_LDFLAGS) -fno-lto -o $@ $(SIM_OBJ) $(INTERNAL) $(LIBS)

# Prints the tables of the command line, for scripts/docs.
$(B)/option-table: $(B)/obj/scripts/option-table.o $(INTERNAL)
	$(call say,LINK)$(CC) $(ALL_LDFLAGS) -fno-lto -o $@ $< $(INTERNAL) $(LIBS)

$(B)/test/linkemu: $(NET_OBJ)
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(ALL_LDFLAGS) -o $@ $(NET_OBJ) -lm

$(B)/test/fuzz_%: $(B)/obj/test/fuzz/fuzz_%.o $(INTERNAL)
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) -fsanitize=fuzzer $(ALL_LDFLAGS) -fno-lto -o $@ $< $(INTERNAL) $(LIBS)

# Each a program of its own.
$(BENCH_BIN): $(B)/test/%: $(B)/obj/test/bench/%.o $(INTERNAL)
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(ALL_LDFLAGS) -fno-lto -o $@ $< $(INTERNAL) $(LIBS)

# duet's optimised as a whole, as the program is; the others bring their own libraries.
LIBRARY_COMMON = $(B)/obj/test/bench/library/common.o
$(B)/test/library/duet: $(B)/obj/test/bench/library/duet.o $(LIBRARY_COMMON) $(INTERNAL)
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(ALL_LDFLAGS) $(CFLAGS) $(LTO) -o $@ $^ $(LIBS)

$(filter-out %/duet,$(LIBRARY_BENCH_BIN)): $(B)/test/library/%: $(B)/obj/test/bench/library/%.o $(LIBRARY_COMMON)
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(shell $(PKG_CONFIG) --libs $(LIBRARY_PACKAGES_$*)) -pthread

$(B)/obj/test/bench/library/srt.o: ALL_CFLAGS += $(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags srt))
$(B)/obj/test/bench/library/usrsctp.o: ALL_CFLAGS += $(shell $(PKG_CONFIG) --cflags usrsctp)

$(MAIN_OBJ) $(LIB_OBJ) $(PROGRAM_OBJ): ALL_CFLAGS += $(LTO)
$(LIB_OBJ): ALL_CFLAGS += $(LIB_CFLAGS)

# The version of the headers, from the one file that has it.  Every object may need it, and none knows before it is made.
VERSION_H = include/duet/version.h
version_part = $(word $(1),$(subst ., ,$(firstword $(subst -, ,$(VERSION)))))
$(VERSION_H): include/duet/version.h.in VERSION
	$(call say,SED)sed -e 's/@VERSION@/$(VERSION)/' -e 's/@MAJOR@/$(call version_part,1)/' \
	    -e 's/@MINOR@/$(call version_part,2)/' -e 's/@PATCH@/$(call version_part,3)/' $< >$@

$(UNIT_OBJ): ALL_CFLAGS += -Itest/unit

$(B)/obj/%.o: %.c $(B)/obj/flags.list | $(VERSION_H)
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# A list file changes only when its content does, so a new compiler, flag or source set rebuilds what depends on it.
LIST_flags = $(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(LTO) $(LIB_CFLAGS)
LIST_lib = $(LIB_SRC) $(PROGRAM_SRC)
LIST_unit = $(UNIT_SRC)
LIST_sim = $(SIM_SRC)
$(patsubst %,$(B)/obj/%.list,flags lib unit sim): $(B)/obj/%.list: FORCE
	@mkdir -p $(@D)
	@echo '$(LIST_$*)' | cmp -s - $@ || echo '$(LIST_$*)' >$@

asan tsan:
	+@$(MAKE) --no-print-directory VARIANT=$@ variant

unit: $(UNIT)
	$(UNIT) $(if $(FILTER),--filter '$(FILTER)')

sim: $(SIM)
	$(SIM) --seeds $(SEEDS)

fuzz:
	+@$(MAKE) --no-print-directory VARIANT=fuzz fuzz-bins
	@test/fuzz/run --seconds $(SECONDS)

fuzz-bins: $(FUZZ_BIN)

bench-bins: all tools $(BENCH_BIN) $(LIBRARY_BENCH_BIN)

# BENCH="--quick loopback link": options and sections; test/bench/run tells which there are.
bench: bench-bins
	@BUILD=$(abspath $(B)) test/bench/run $(BENCH)

docs: $(B)/option-table
	scripts/docs $<

demo:
	@scripts/deps build
	+@$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$$(nproc)) all
	@scripts/demo

test:
	@scripts/deps test
	+@scripts/test

check: variant $(B)/option-table
	scripts/check-layers.sh
	scripts/check-door.sh $(B)
	scripts/docs --check $(B)/option-table
	$(UNIT)
	$(SIM) --seeds $(SEEDS)

# What others include, and the manual that is made of it.
HEADERS = $(sort $(VERSION_H) $(wildcard include/duet/*.h))
MAN3 = $(B)/man3

$(MAN3): scripts/man3 $(HEADERS)
	$(call say,MAN)rm -rf $@ $@.part && mkdir -p $@.part && scripts/man3 $@.part && mv $@.part $@

# What is installed as it is, FILE:DIRECTORY/NAME, and what names versions or directories first: IN:DIRECTORY/NAME.
DATA = $(LIB):$(libdir)/libduet.a $(SHARED):$(libdir)/$(notdir $(SHARED)) \
    $(foreach header,$(HEADERS),$(header):$(includedir)/duet/$(notdir $(header))) \
    completions/duet.bash:$(bashcompletiondir)/duet completions/_duet:$(zshcompletiondir)/_duet \
    completions/duet.fish:$(fishcompletiondir)/duet.fish
FILLED = doc/duet.1:$(man1dir)/duet.1 doc/duet-files.5:$(man5dir)/duet-files.5 \
    packaging/duet.pc.in:$(pkgconfigdir)/duet.pc \
    packaging/systemd/duet-recv.service.in:$(systemduserunitdir)/duet-recv.service
FILL = sed -e 's|@VERSION@|$(VERSION)|g' -e 's|@bindir@|$(bindir)|g' -e 's|@libdir@|$(libdir)|g' \
    -e 's|@includedir@|$(includedir)|g' -e 's|@prefix@|$(prefix)|g' -e 's|@exec_prefix@|$(exec_prefix)|g' \
    -e 's|@LIBS_PRIVATE@|$(LIB_LIBS)|g'

source = $(firstword $(subst :, ,$(1)))
target = $(DESTDIR)$(lastword $(subst :, ,$(1)))
define newline


endef

install: all $(MAN3)
	$(INSTALL) -d $(sort $(dir $(DESTDIR)$(bindir)/duet $(DESTDIR)$(man3dir)/duet.3 $(foreach file,$(DATA) $(FILLED),$(call target,$(file)))))
	$(INSTALL_PROGRAM) $(B)/duet $(DESTDIR)$(bindir)/duet
	$(foreach file,$(DATA),$(INSTALL_DATA) $(call source,$(file)) $(call target,$(file))$(newline)	)
	$(foreach file,$(FILLED),$(FILL) $(call source,$(file)) >$(B)/filled && $(INSTALL_DATA) $(B)/filled \
	    $(call target,$(file))$(newline)	)
	ln -sf $(notdir $(SHARED)) $(DESTDIR)$(libdir)/libduet.so
	for page in $(MAN3)/*; do $(FILL) $$page >$(B)/filled && \
	    $(INSTALL_DATA) $(B)/filled $(DESTDIR)$(man3dir)/$$(basename $$page) || exit 1; done

uninstall:
	rm -f $(DESTDIR)$(bindir)/duet $(DESTDIR)$(libdir)/libduet.so \
	    $(foreach file,$(DATA) $(FILLED),$(call target,$(file)))
	for page in $$(scripts/man3 --list); do rm -f $(DESTDIR)$(man3dir)/$$page; done
	-rmdir $(DESTDIR)$(includedir)/duet 2>/dev/null

DIST = duet-$(VERSION)
dist:
	mkdir -p build
	git archive --format=tar.gz --prefix=$(DIST)/ -o build/$(DIST).tar.gz HEAD

distcheck: dist
	rm -rf build/distcheck && mkdir -p build/distcheck
	tar -xzf build/$(DIST).tar.gz -C build/distcheck
	+$(MAKE) -C build/distcheck/$(DIST) check SEEDS=20
	+$(MAKE) -C build/distcheck/$(DIST) install DESTDIR=$(abspath build/distcheck/root)
	test "$$(build/distcheck/root$(bindir)/duet --version)" = "duet $(VERSION)"
	+$(MAKE) -C build/distcheck/$(DIST) uninstall DESTDIR=$(abspath build/distcheck/root)
	test -z "$$(find build/distcheck/root ! -type d)"
	rm -rf build/distcheck

# Debian packages of what is committed, in build/deb.
deb: dist
	@scripts/deps deb
	scripts/deb build/$(DIST).tar.gz

lint: $(VERSION_H)
	@scripts/deps lint
	@scripts/lint $(if $(QUICK),--quick)

format:
	@scripts/deps lint
	@scripts/lint --format

clean:
	rm -rf build $(VERSION_H)

-include $(patsubst %.o,%.d,$(MAIN_OBJ) $(LIB_OBJ) $(PROGRAM_OBJ) $(UNIT_OBJ) $(SIM_OBJ) $(NET_OBJ) $(patsubst %,$(B)/obj/%.o,$(basename $(FUZZ_SRC) $(BENCH_SRC) $(wildcard test/bench/library/*.c))))
