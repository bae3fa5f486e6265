/* The bridge between a host's audio thread and the engine (a Python process): one mapped file for each instance.
 *
 * Rules
 * - Each word of the file has one writer. The other side reads it, and believes none of it.
 * - A frame is a sample of the instance's own count. It begins at 0 with the first block, goes on through stops, jumps and
 *   loops, and never goes back. All events are stamped in it. The transport block says where in the music a frame is.
 * - The audio thread takes no lock, allocates nothing, and makes no system call but one datagram that does not wait.
 * - A note-on is played at its frame if its epoch and its generation are the current ones. A note-off is played if its note
 *   sounds and is no younger than the note-off. So what was planned can be taken back, and no note-off ever is.
 *
 * epoch       counted by the plugin. A new one begins where the music breaks: start, stop, jump, loop, bypass, activation. All that
 *             sounds is closed there. An event names the epoch that it was planned for: the current one, or the next one for what
 *             comes after the end of a loop that the transport block announces. A loop's end counts one, all else two: so what was
 *             planned for after a loop is played nowhere else.
 * generation  counted by the engine, which takes back all planned note-ons of older generations by raising it. It then sends the
 *             note-offs of what may sound, with the new generation: those of notes that do not sound are not played.
 *
 * Time: `frame` and `ns` of the transport block belong together (ns: improv_now_ns() when the block began). All times are frames,
 * nanoseconds of improv_now_ns(), quarter notes, or quarter notes a minute.
 *
 * Offline (a bounce, IMPROV_OFFLINE): before each block's music is needed, the plugin puts all that is heard in the block into the
 * ring, stores `heard_to` = the frame after the block, wakes the engine, and waits (IMPROV_PATIENCE at most) until
 * `planned_to` >= `heard_to`. The engine reads `heard_to`, then takes all events from the ring, then plays up to that frame, puts
 * what is played before it into the ring, and stores what it read as `planned_to`. So each note of the block is there, at any
 * block size and any speed.
 *
 * The engine's start: one process for each instance. At its first activation the plugin makes FOLDER/INSTANCE.ring, locks it
 * (flock) for as long as it lives, and starts what the file at improv_settings_path() names,
 *     improv plugin 1
 *     python=/path/of/the/python
 *     version=0.2.0
 * as `PYTHON -P -m improv plugin engine FOLDER/INSTANCE.ring`, its output going to FOLDER/INSTANCE.log. The engine takes datagrams
 * of any content at FOLDER/INSTANCE.sock. It goes on through deactivations and ends when life is IMPROV_GONE, which
 * improv_engine_life() also says if the host has died; improv_engine_close() then removes the files.
 *
 * The layout, little-endian. P: written by the plugin, E: by the engine. Bytes 0-63 stay where they are in all layouts, so that a
 * plugin and an engine of two versions can tell that they are.
 *
 *  offset  size  by  what
 *       0     8  P   magic "improv\r\n", stored last
 *       8     4  P   layout: IMPROV_LAYOUT
 *      12     4  P   size of the file, bytes
 *      16     4  E   layout that the engine knows; 0: no engine has looked. Written before all else, also where it is another
 *      20     4  E   process id of the engine
 *      24     4  P   process id of the host
 *      28     4  P   number of parameters
 *      32     4  P   offset of the ring to the engine, bytes
 *      36     4  P   offset of the ring from the engine, bytes
 *      40     4  P   events in each ring, a power of two
 *      44     4  P   size of an event, bytes
 *      48    16  P   version of the plugin, text
 *      64    40  P   name of the instance: 16 hexadecimal digits, kept in the host's project
 *     104    24  E   version of the engine, text
 *     128     4  P   life: IMPROV_MADE, _ACTIVE, _RESTING (the host may go on later), _GONE
 *     132     4  P   how often it was activated
 *     136     8  P   heartbeat, ns: each block, and each 100 ms without blocks while it is active
 *     144     8  P   heard_to, frames: all that was heard before it is in the ring
 *     152     4  P   epoch
 *     156     4  P   status: IMPROV_NO_ENGINE ... , as the host shows it
 *     160     4  P   events for the engine that found no room
 *     164     4  P   note-ons that came too late and were not played
 *     168     4  P   events that were refused: not MIDI of a channel, too far ahead, no room
 *     172     4  P   note-ons that were taken back
 *     176     4  P   note-ons that were played
 *     180     4  P   notes that sound
 *     184     4  P   events that came late and were played at the start of a block
 *     188     4  P   what becomes of parameters that the engine changes: IMPROV_UNTOLD, _TOLD, _UNTELLABLE
 *     192     8  E   heartbeat, ns; older than IMPROV_DEAD: all notes off
 *     200     8  E   planned_to, frames
 *     208     4  E   generation
 *     212     4  E   state: IMPROV_ENGINE_STARTS, _READY, _PLAYS, _FAILS
 *     216     4  E   port of 127.0.0.1 that takes datagrams, where there are no such sockets (Windows); else 0
 *     256   104  P   transport, seqlocked: count at 256, the struct at 264
 *     384   128  E   text for people, seqlocked: count at 384, UTF-8 with a final 0 at 392
 *     512   512  P   parameters as the host has them, 64 doubles, in their units
 *    1024   512  E   parameters that the engine changed by itself, 64 doubles. The lowest 8 bits of each count its changes, so
 *                    that a value which is set again is news; no parameter is that exact
 *    1536     4  E   how often it changed one, counted after it did
 *    1600     4  P   ring to the engine: events put so far
 *    1664     4  E                       events taken so far
 *    1728     4  E   ring from the engine: events put so far
 *    1792     4  P                         events taken so far
 *    4096        P   events to the engine
 *   69632        E   events from the engine
 *  135168 65536  P   text of the host's project for the engine, seqlocked: count, length (4 bytes each), then UTF-8
 *  200704 65536  E   text of the engine for the host's project, the same
 *
 * The plugin never reads the meaning of the engine's text. It gives back to the host what the engine said last, or, before it
 * said anything, what the host put. With each text that the host puts comes an event IMPROV_RESTORED.
 *
 * A seqlocked block is valid if its count is even and the same before and after reading. The counts of rings go round at 2^32.
 */
#ifndef IMPROV_BRIDGE_H
#define IMPROV_BRIDGE_H

#include <stddef.h>
#include <stdint.h>

#define IMPROV_LAYOUT 1
#define IMPROV_EVENTS 1024             /* in each ring */
#define IMPROV_TEXT 65528              /* bytes of the engine's text for the host's project */
#define IMPROV_SIZE (4096 + 2 * 64 * IMPROV_EVENTS + 2 * (IMPROV_TEXT + 8))
#define IMPROV_DEAD 100000000LL        /* ns without a heartbeat of the engine */
#define IMPROV_LATE 0.05               /* seconds: a note-on that is later than this would only disturb */
#define IMPROV_AHEAD 20.0              /* seconds: what is planned for later is refused */
#ifndef IMPROV_PATIENCE
#define IMPROV_PATIENCE 2000000000LL   /* ns that a bounce waits for the engine, for one block */
#endif
#define IMPROV_PARAMETERS 64           /* room for them in the file */

enum { IMPROV_MADE, IMPROV_ACTIVE, IMPROV_RESTING, IMPROV_GONE };                                  /* life */
enum { IMPROV_ENGINE_STARTS, IMPROV_ENGINE_READY, IMPROV_ENGINE_PLAYS, IMPROV_ENGINE_FAILS };      /* state of the engine */
enum {                                                                                             /* status, for people */
    IMPROV_OFF,          /* not activated yet */
    IMPROV_NO_SETTINGS,  /* `improv plugin install` was never run, or not by this user */
    IMPROV_NO_PYTHON,    /* the Python that it names has gone */
    IMPROV_STARTING,     /* the engine was started and has not answered yet */
    IMPROV_NO_ENGINE,    /* it does not answer */
    IMPROV_OTHER,        /* it answers, but knows another layout: another version */
    IMPROV_READY,
    IMPROV_FAILED,       /* it answers, and its text says what is wrong */
    IMPROV_NO_FOLDER     /* no file can be made in the folder */
};

/* Kinds of events. A byte of an event that its kind does not name is 0. */
enum {
    IMPROV_MIDI = 1,      /* both ways. bytes[0..size-1]: a message of a channel */
    IMPROV_TRANSPORT,     /* to the engine: from `frame` on, this holds. size: flags. bytes: numerator, denominator, why, and
                             the number of the prepared beginning that is played from here on (0: none is).
                             value: position, tempo, bar_start, loop_start, loop_end. epoch: the new one, if one begins.
                             Sent whenever the transport is not what it would be by going on as it was */
    IMPROV_PARAMETER,     /* to the engine: size: number of the parameter, value[0]: its value in its unit */
    IMPROV_ACTIVATED,     /* to the engine: value: rate, longest block. The first event after each activation */
    IMPROV_RESTORED,      /* to the engine: the host put a text, and parameters (each of which has an event of its own) */
    IMPROV_LOST,          /* to the engine: some events found no room: take all keys as released, all pedals as up */
    IMPROV_PREPARED       /* from the engine, while the transport stands: the music's beginning, if it starts where it stands.
                             First one of size 0. frame: how many notes follow; bytes: numerator, denominator, 0, the number, 1 to
                             255; epoch: the current one; generation: how many events the engine had taken; value: position,
                             tempo. Then notes. frame: from the start on; bytes: the message, the number. A new beginning
                             takes the place of the one before. It is not played if anything of it differs, or if the engine was
                             told a parameter or a text since */
};
enum { IMPROV_UNTOLD, IMPROV_TOLD, IMPROV_UNTELLABLE }; /* the engine's own changes: nobody knows; the host is told; it can't be told */
enum { IMPROV_PLAYING = 1, IMPROV_LOOPING = 2, IMPROV_OFFLINE = 4, IMPROV_BYPASSED = 8, IMPROV_RECORDING = 16 };  /* flags */
enum { IMPROV_WENT_ON, IMPROV_STARTED, IMPROV_STOPPED, IMPROV_JUMPED, IMPROV_LOOPED, IMPROV_SWITCHED };           /* why */

typedef struct {          /* 64 bytes */
    int64_t frame;        /*  0 */
    uint32_t generation;  /*  8  from the engine: its own. To the engine: the last one that the plugin saw */
    uint16_t kind;        /* 12 */
    uint16_t size;        /* 14 */
    uint8_t bytes[4];     /* 16 */
    uint32_t epoch;       /* 20 */
    double value[5];      /* 24 */
} improv_event;

typedef struct {          /* 96 bytes, at 264 */
    int64_t frame;        /*  0  first frame of the block */
    int64_t ns;           /*  8  improv_now_ns() as the block began */
    double rate;          /* 16  frames a second */
    double tempo;         /* 24  quarter notes a minute; 0: the host does not say */
    double position;      /* 32  quarter notes since the song's start, at `frame` */
    double bar_start;     /* 40  quarter notes: where the bar of `position` begins */
    double loop_start;    /* 48  quarter notes */
    double loop_end;      /* 56 */
    int32_t numerator;    /* 64  metre */
    int32_t denominator;  /* 68 */
    uint32_t flags;       /* 72 */
    int32_t block;        /* 76  frames of this block */
    int32_t longest;      /* 80  frames: no block is longer */
    uint32_t epoch;       /* 84 */
    double spare;         /* 88 */
} improv_transport;

#if defined(_WIN32)
#define IMPROV_API __declspec(dllexport)
#else
#define IMPROV_API __attribute__((visibility("default")))
#endif

/* For both sides. The texts are written with a final 0; the functions return their length, or -1 if there is no room. */
IMPROV_API int64_t improv_now_ns(void);
IMPROV_API int improv_folder(char *text, int room);         /* where rings and the socket are; it is made if need be */
IMPROV_API int improv_settings_path(char *text, int room);  /* the file that names the Python: $IMPROV_PLUGIN_SETTINGS, or user data */
IMPROV_API const char *improv_version(void);

/* The engine's side. All of it may be called from one thread, the heartbeat and the text from another. */
typedef struct improv_engine improv_engine;
/* Maps a file and says hello. NULL: `why` says what is wrong with it. */
IMPROV_API improv_engine *improv_engine_open(const char *path, const char *version, char *why, int room);
IMPROV_API void improv_engine_close(improv_engine *e);         /* removes the files if the plugin has gone */
IMPROV_API const char *improv_engine_instance(improv_engine *e);
IMPROV_API int improv_engine_life(improv_engine *e);           /* IMPROV_GONE too if the host has died */
IMPROV_API void improv_engine_beat(improv_engine *e);          /* call it every 20 ms */
IMPROV_API void improv_engine_say(improv_engine *e, int state, const char *text);
IMPROV_API void improv_engine_port(improv_engine *e, int port);
IMPROV_API int improv_engine_look(improv_engine *e, improv_transport *t);             /* 1; 0: no block came yet */
IMPROV_API int64_t improv_engine_heard_to(improv_engine *e);
IMPROV_API int improv_engine_take(improv_engine *e, improv_event *events, int most);  /* how many; -1: the ring is torn */
IMPROV_API int improv_engine_put(improv_engine *e, const improv_event *events, int count); /* how many found room */
IMPROV_API int improv_engine_room(improv_engine *e);           /* how many would find room */
IMPROV_API void improv_engine_planned_to(improv_engine *e, int64_t frame);
IMPROV_API uint32_t improv_engine_take_back(improv_engine *e); /* raises the generation; returns the new one */
IMPROV_API uint32_t improv_engine_epoch(improv_engine *e);
IMPROV_API int improv_engine_text(improv_engine *e, char *text, int room);            /* of the host's project; its length, -1: no room */
IMPROV_API int improv_engine_put_text(improv_engine *e, const char *text, int length); /* for the host's project; 0: too long */
IMPROV_API int improv_engine_count(improv_engine *e, int offset);                     /* a counter of 4 bytes, by its offset above */
IMPROV_API double improv_engine_parameter(improv_engine *e, int number);              /* as the host has it */
IMPROV_API void improv_engine_set_parameter(improv_engine *e, int number, double value); /* as the engine has it now */

/* The plugin's side: what the shells of LV2 and VST3 call, and tests. */
typedef struct improv_plugin improv_plugin;
IMPROV_API improv_plugin *improv_plugin_new(void);             /* makes and opens nothing: hosts scan */
IMPROV_API void improv_plugin_free(improv_plugin *p);
IMPROV_API int improv_plugin_activate(improv_plugin *p, double rate, int longest);
IMPROV_API void improv_plugin_deactivate(improv_plugin *p);
IMPROV_API const char *improv_plugin_instance(improv_plugin *p);
IMPROV_API int improv_plugin_status(improv_plugin *p);
IMPROV_API int improv_plugin_text(improv_plugin *p, char *text, int room);  /* what the engine says */
/* A block, in the audio thread: what is heard in it (offset in frames), then `run`, which returns how many events `out` has. */
IMPROV_API void improv_plugin_set(improv_plugin *p, int offset, int number, double value);
/* Of a parameter, from any other thread: the next block takes it. */
IMPROV_API void improv_plugin_want(improv_plugin *p, int number, double value);
IMPROV_API double improv_plugin_get(improv_plugin *p, int number);
IMPROV_API void improv_plugin_heard(improv_plugin *p, int offset, const uint8_t *bytes, int size);
typedef struct {
    int32_t offset;
    uint8_t size, bytes[3];
} improv_note;
/* now: tempo, position, bar_start (NaN: unknown), loop_*, metre and flags are read. `out` has room for `most`: what finds none
   comes in the next block. May be called several times for one block of the host, part by part. */
IMPROV_API int improv_plugin_run(improv_plugin *p, const improv_transport *now, int frames, improv_note *out, int most);
/* In the audio thread, after `run`: the numbers of the parameters that the engine changed since. Returns how many, at most `most`. */
IMPROV_API int improv_plugin_moved(improv_plugin *p, int *numbers, int most);
IMPROV_API void improv_plugin_tells(improv_plugin *p, int how); /* before the first activation: whether the shell can tell the host so */
/* The state as text, for the host's project. Returns its length, or -1. `put` returns 0 if it is no such text. */
IMPROV_API int improv_plugin_state(improv_plugin *p, char *text, int room);
IMPROV_API int improv_plugin_put_state(improv_plugin *p, const char *text, int length);

#endif
