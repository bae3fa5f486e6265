/* An instance of the plugin: what its files share. */
#ifndef IMPROV_AUDIO_H
#define IMPROV_AUDIO_H

#include "inside.h"
#include "parameters.h"

#define PLAN 2048              /* events that wait for their frame */
#define HEARD 1024             /* events that are heard in one block */
#define PREPARED 64            /* events of a prepared beginning */
#ifndef STARTS
#define STARTS 20000000000LL   /* ns that an engine may take to start */
#endif

enum { /* numbers of parameters: NUMBER_mode ... */
#define ROW(number, symbol, ...) NUMBER_##symbol = number,
    PARAMETERS(ROW)
#undef ROW
};
#define BYPASS NUMBER_bypass
#define THRU NUMBER_thru

typedef struct {
    int64_t frame;
    uint32_t epoch, generation;
    uint8_t bytes[4];
} plan_item;

typedef struct { /* MIDI of `size` bytes; size 0: a parameter */
    int32_t offset;
    uint16_t number;
    uint8_t size, bytes[3];
    double value;
} heard_item;

struct improv_plugin {
    mapped map; /* file: NULL before the first activation */
    waker waker;
    bool active;
    double rate;
    int longest;
    char instance[40], path[4096];

    /* the audio thread's own */
    int64_t frame; /* of the next block */
    uint32_t epoch, generation, flags;
    improv_transport last, told; /* of the part before this one; of the last event that the engine was sent */
    bool has_last, wake, lost, closing, given_up, activated; /* activated: the engine was not told yet */
    int owed; /* why the epoch began that the engine was not told of yet */
    int64_t given_up_at;
    uint64_t on[16][2];      /* what sounds */
    uint32_t born[16][128];  /* the generation of what sounds */
    uint16_t pedal;          /* channels whose pedal the engine holds down */
    int sounding, planned, heard_count;
    plan_item plan[PLAN];
    heard_item heard[HEARD];
    improv_note *out;
    int out_room, out_count;
    struct { /* a beginning that the engine prepared, its frames counted from the start; number 0: none */
        int number, count, expected, numerator, denominator;
        double position, tempo;
        uint32_t epoch, taken;
        plan_item notes[PREPARED];
    } prepared;
    uint32_t settled_at;                   /* in_put after the engine was last told a parameter or a text */
    uint32_t changes;                      /* of the engine, as far as they were seen */
    uint64_t engine_seen[PARAMETER_COUNT]; /* a double's bits */
    uint64_t moved;                        /* parameters that the engine changed and the host was not told yet, a bit for each */

    struct {
        word64 wanted; /* a double's bits, from any thread */
        double now;    /* the audio thread's: what the engine was told */
    } value[PARAMETER_COUNT];
    _Atomic bool restored, ran; /* ran: a block came since the activation */

    /* the other threads' */
    improv_thread *thread;
    char *text; /* of the host's project, for the engine */
    int text_length;
    word32 status;
    int64_t started, failing; /* ns: when the engine was started; since when it does not answer */
    int starts, looks; /* looks: since the activation */
    int tells;
};

#define COUNT(p, counter, by)                                                                                                        \
    atomic_store_explicit(&(p)->map.file->counter, atomic_load_explicit(&(p)->map.file->counter, memory_order_relaxed) + (by),        \
                          memory_order_relaxed)

/* audio.c */
bool is_message(const uint8_t *bytes, int size);                    /* of a channel, of its full length */
double beats(const improv_plugin *p, double tempo, int64_t frames); /* in quarter notes */

/* news.c */
void prepare(improv_plugin *p, const improv_event *e);
int prepared_for(improv_plugin *p, const improv_transport *t);      /* the number of what may be played from here on; 0: nothing */
void begin_prepared(improv_plugin *p);
void take_changes(improv_plugin *p);

/* parameters.c */
double within(int number, double value);                            /* kept within its limits, whole where it must be */
typedef struct {
    const char *symbol, *label, *unit, *words;
    double lowest, highest, standard;
    bool whole;
} parameter_row;
extern const parameter_row PARAMETER_ROWS[PARAMETER_COUNT];
int word_of(int number, double value, char *text, int room);        /* the value for people, without its unit; its length */
bool value_of(int number, const char *text, int length, double *value);
int write_number(double value, char *text, int room);               /* in any locale with a point */
bool read_number(const char *text, int length, double *value);

#endif
