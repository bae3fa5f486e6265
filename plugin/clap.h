/* CLAP as plain C: what a plugin of notes and parameters needs. Our own declarations of the published binary interface (CLAP 1.2, MIT
 * licence): numbers, orders and sizes are facts of it, the words are ours.
 */
#ifndef IMPROV_CLAP_H
#define IMPROV_CLAP_H

#include <stdbool.h>
#include <stdint.h>

#if defined(_WIN32)
#define CLAP_CALL __cdecl
#else
#define CLAP_CALL
#endif

typedef struct {
    uint32_t major, minor, revision;
} clap_release;
#define CLAP_RELEASE {1, 2, 2}

/* Events */

enum { CLAP_NOTE_ON, CLAP_NOTE_OFF, CLAP_NOTE_CHOKE, CLAP_VALUE = 5, CLAP_TOUCH = 7, CLAP_LET_GO = 8, CLAP_TRANSPORT = 9, CLAP_MIDI = 10 };

typedef struct {
    uint32_t size, time; /* bytes; frames since the block began */
    uint16_t space, type; /* space 0: those of CLAP itself */
    uint32_t flags;
} clap_header;

typedef struct {
    clap_header head;
    int32_t note; /* -1: any */
    int16_t port, channel, key; /* -1: all */
    double velocity; /* 0 to 1 */
} clap_note;

typedef struct {
    clap_header head;
    uint32_t parameter;
    void *cookie;
    int32_t note;
    int16_t port, channel, key;
    double value;
} clap_value;

typedef struct {
    clap_header head;
    uint32_t parameter;
} clap_touch;

typedef struct {
    clap_header head;
    uint16_t port;
    uint8_t bytes[3];
} clap_midi;

enum { CLAP_HAS_TEMPO = 1, CLAP_HAS_BEATS = 2, CLAP_HAS_SECONDS = 4, CLAP_HAS_METRE = 8, CLAP_PLAYING = 16, CLAP_RECORDING = 32, CLAP_LOOPING = 64 };
#define CLAP_ONE 2147483648.0 /* a quarter note, or a second, in the fixed point of times */

typedef struct {
    clap_header head;
    uint32_t flags;
    int64_t beats, seconds;
    double tempo, tempo_step;
    int64_t loop_start, loop_end, loop_start_seconds, loop_end_seconds, bar_start;
    int32_t bar;
    uint16_t numerator, denominator;
} clap_transport;

typedef struct clap_events_in {
    void *of;
    uint32_t(CLAP_CALL *count)(const struct clap_events_in *self);
    const clap_header *(CLAP_CALL *get)(const struct clap_events_in *self, uint32_t index);
} clap_events_in;

typedef struct clap_events_out {
    void *of;
    bool(CLAP_CALL *put)(const struct clap_events_out *self, const clap_header *e); /* in order of time */
} clap_events_out;

typedef struct {
    int64_t steady;
    uint32_t frames;
    const clap_transport *transport; /* NULL: the host has none */
    const void *audio_in;
    void *audio_out;
    uint32_t audio_ins, audio_outs;
    const clap_events_in *in;
    const clap_events_out *out;
} clap_block;

/* What the host has */

typedef struct clap_host {
    clap_release release;
    void *of;
    const char *name, *vendor, *url, *version;
    const void *(CLAP_CALL *extension)(const struct clap_host *self, const char *id);
    void(CLAP_CALL *restart)(const struct clap_host *self);
    void(CLAP_CALL *want_block)(const struct clap_host *self);
    void(CLAP_CALL *want_call)(const struct clap_host *self); /* of `called`, in the main thread */
} clap_host;

typedef struct {
    void(CLAP_CALL *rescan)(const clap_host *host, uint32_t what); /* 1: values */
    void(CLAP_CALL *clear)(const clap_host *host, uint32_t parameter, uint32_t what);
    void(CLAP_CALL *want_flush)(const clap_host *host);
} clap_host_parameters;

typedef struct {
    void(CLAP_CALL *dirty)(const clap_host *host); /* the project has something to save */
} clap_host_state;

typedef struct clap_reader {
    void *of;
    int64_t(CLAP_CALL *read)(const struct clap_reader *self, void *to, uint64_t most); /* 0: the end; -1: failed */
} clap_reader;

typedef struct clap_writer {
    void *of;
    int64_t(CLAP_CALL *write)(const struct clap_writer *self, const void *from, uint64_t count);
} clap_writer;

/* What we have */

typedef struct {
    clap_release release;
    const char *id, *name, *vendor, *url, *manual, *support, *version, *about;
    const char *const *kinds; /* ends with NULL */
} clap_descriptor;

typedef struct clap_plugin {
    const clap_descriptor *descriptor;
    void *of;
    bool(CLAP_CALL *init)(const struct clap_plugin *self);
    void(CLAP_CALL *destroy)(const struct clap_plugin *self);
    bool(CLAP_CALL *activate)(const struct clap_plugin *self, double rate, uint32_t shortest, uint32_t longest);
    void(CLAP_CALL *deactivate)(const struct clap_plugin *self);
    bool(CLAP_CALL *start)(const struct clap_plugin *self);
    void(CLAP_CALL *stop)(const struct clap_plugin *self);
    void(CLAP_CALL *reset)(const struct clap_plugin *self);
    int32_t(CLAP_CALL *run)(const struct clap_plugin *self, const clap_block *block); /* 1: go on */
    const void *(CLAP_CALL *extension)(const struct clap_plugin *self, const char *id);
    void(CLAP_CALL *called)(const struct clap_plugin *self);
} clap_plugin;

#define CLAP_PARAMETERS "clap.params"
#define CLAP_NOTE_PORTS "clap.note-ports"
#define CLAP_STATE "clap.state"
#define CLAP_LATENCY "clap.latency"
#define CLAP_RENDER "clap.render"
#define CLAP_FACTORY "clap.plugin-factory"

enum { CLAP_STEPPED = 1, CLAP_BYPASS = 16, CLAP_AUTOMATABLE = 32, CLAP_NEEDS_BLOCK = 1 << 15, CLAP_WORDS = 1 << 16 };

typedef struct {
    uint32_t id, flags;
    void *cookie;
    char name[256], module[1024];
    double lowest, highest, standard;
} clap_parameter;

typedef struct {
    uint32_t(CLAP_CALL *count)(const clap_plugin *self);
    bool(CLAP_CALL *about)(const clap_plugin *self, uint32_t index, clap_parameter *about);
    bool(CLAP_CALL *get)(const clap_plugin *self, uint32_t id, double *value);
    bool(CLAP_CALL *text_of)(const clap_plugin *self, uint32_t id, double value, char *text, uint32_t room);
    bool(CLAP_CALL *value_of)(const clap_plugin *self, uint32_t id, const char *text, double *value);
    void(CLAP_CALL *flush)(const clap_plugin *self, const clap_events_in *in, const clap_events_out *out);
} clap_parameters;

enum { CLAP_SPEAKS_CLAP = 1, CLAP_SPEAKS_MIDI = 2 };

typedef struct {
    uint32_t id, speaks, prefers;
    char name[256];
} clap_note_port;

typedef struct {
    uint32_t(CLAP_CALL *count)(const clap_plugin *self, bool in);
    bool(CLAP_CALL *about)(const clap_plugin *self, uint32_t index, bool in, clap_note_port *about);
} clap_note_ports;

typedef struct {
    bool(CLAP_CALL *save)(const clap_plugin *self, const clap_writer *to);
    bool(CLAP_CALL *load)(const clap_plugin *self, const clap_reader *from);
} clap_state;

typedef struct {
    uint32_t(CLAP_CALL *frames)(const clap_plugin *self);
} clap_latency;

typedef struct {
    bool(CLAP_CALL *needs_real_time)(const clap_plugin *self);
    bool(CLAP_CALL *set)(const clap_plugin *self, int32_t mode); /* 1: offline */
} clap_render;

typedef struct clap_factory {
    uint32_t(CLAP_CALL *count)(const struct clap_factory *self);
    const clap_descriptor *(CLAP_CALL *about)(const struct clap_factory *self, uint32_t index);
    const clap_plugin *(CLAP_CALL *create)(const struct clap_factory *self, const clap_host *host, const char *id);
} clap_factory;

typedef struct {
    clap_release release;
    bool(CLAP_CALL *init)(const char *path);
    void(CLAP_CALL *deinit)(void);
    const void *(CLAP_CALL *factory)(const char *id);
} clap_entry_table;

#ifdef __LP64__
_Static_assert(sizeof(clap_header) == 16 && sizeof(clap_note) == 40 && sizeof(clap_value) == 56 && sizeof(clap_midi) == 24, "CLAP");
_Static_assert(sizeof(clap_transport) == 104 && sizeof(clap_block) == 64 && sizeof(clap_parameter) == 1320, "CLAP");
#endif

#endif
