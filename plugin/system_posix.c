/* What is asked of Linux, macOS and the BSDs. Only improv_now_ns, wake_send and short_sleep are called in the audio thread. */
#ifndef _WIN32
#define _GNU_SOURCE
#define _DARWIN_C_SOURCE
#include "inside.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

int64_t improv_now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000LL + t.tv_nsec;
}

uint32_t own_pid(void) { return (uint32_t)getpid(); }

void short_sleep(int microseconds) {
    struct timespec t = {0, microseconds * 1000L};
    nanosleep(&t, NULL);
}

void random_bytes(uint8_t *bytes, int count) {
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? 0 : read(fd, bytes, (size_t)count);
    if (fd >= 0) close(fd);
    uint64_t seed = (uint64_t)improv_now_ns() ^ (uint64_t)getpid() << 40;
    for (int i = got < 0 ? 0 : (int)got; i < count; i++, seed = seed * 6364136223846793005ULL + 1) bytes[i] = (uint8_t)(seed >> 56);
}

/* Paths */

static int fits(int length, int room) { return length > 0 && length < room ? length : -1; }

static bool own_folder(const char *path) { /* made if need be; another's is not to be trusted */
    struct stat s;
    mkdir(path, 0700);
    return !lstat(path, &s) && S_ISDIR(s.st_mode) && s.st_uid == getuid() && !(s.st_mode & 022) && !access(path, W_OK | X_OK);
}

/* The user's folder of running programs; where there is none, one of his own in the folder of temporary files. */
int improv_folder(char *text, int room) {
    const char *given = getenv("XDG_RUNTIME_DIR"), *temporary = getenv("TMPDIR");
    if (given && *given == '/') {
        int length = fits(snprintf(text, (size_t)room, "%s/improv", given), room);
        if (length > 0 && length < 80 && own_folder(text)) return length; /* the address of a socket has room for 104 */
    }
    if (!temporary || *temporary != '/' || strlen(temporary) > 60) temporary = "/tmp";
    int length = fits(snprintf(text, (size_t)room, "%s/improv-%ld", temporary, (long)getuid()), room);
    return length > 0 && own_folder(text) ? length : -1;
}

int improv_settings_path(char *text, int room) {
    const char *given = getenv("IMPROV_PLUGIN_SETTINGS"), *home = getenv("HOME");
    if (given && *given) return fits(snprintf(text, (size_t)room, "%s", given), room);
#ifdef __APPLE__
    return home ? fits(snprintf(text, (size_t)room, "%s/Library/Application Support/improv/plugin.conf", home), room) : -1;
#else
    const char *folder = getenv("XDG_DATA_HOME");
    if (folder && *folder == '/') return fits(snprintf(text, (size_t)room, "%s/improv/plugin.conf", folder), room);
    return home ? fits(snprintf(text, (size_t)room, "%s/.local/share/improv/plugin.conf", home), room) : -1;
#endif
}

/* NAME.ring as NAME.`ending` */
static bool beside(const char *path, const char *ending, char *text, size_t room) {
    size_t length = strlen(path);
    const char *dot = strrchr(path, '.');
    if (dot && !strchr(dot, '/')) length = (size_t)(dot - path);
    if (length + strlen(ending) + 2 > room) return false;
    memcpy(text, path, length);
    text[length] = '.';
    strcpy(text + length + 1, ending);
    return true;
}

void remove_files(const char *path) {
    static const char *const endings[] = {"ring", "sock", "lock"};
    char text[4096];
    struct stat s;
    for (int i = 0; i < 3; i++)
        if (beside(path, endings[i], text, sizeof text)) unlink(text);
    if (beside(path, "log", text, sizeof text) && !stat(text, &s) && s.st_size == 0) unlink(text); /* one that says something stays */
}

/* Mapped files */

static bool map(mapped *m, int fd, int lock) {
    void *at = mmap(NULL, IMPROV_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) return false;
    *m = (mapped){at, fd, 0, lock};
    return true;
}

bool map_make(mapped *m, const char *path) {
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return false;
    if (!flock(fd, LOCK_EX | LOCK_NB) && !ftruncate(fd, IMPROV_SIZE) && map(m, fd, -1)) return true;
    close(fd);
    unlink(path);
    return false;
}

bool map_open(mapped *m, const char *path, char *why, int room) {
    char text[4096];
    struct stat s;
    int lock = -1, fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &s))
        snprintf(why, (size_t)room, "%s", strerror(errno));
    else if (!S_ISREG(s.st_mode) || s.st_size < 64)
        snprintf(why, (size_t)room, "no file of the plugin");
    else if (s.st_size != IMPROV_SIZE)
        snprintf(why, (size_t)room, "%lld bytes, expected %d: of another version, or torn", (long long)s.st_size, IMPROV_SIZE);
    else if (!beside(path, "lock", text, sizeof text) || (lock = open(text, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) < 0)
        snprintf(why, (size_t)room, "no lock can be made beside it");
    else if (flock(lock, LOCK_EX | LOCK_NB))
        snprintf(why, (size_t)room, "another engine serves it");
    else if (map(m, fd, lock))
        return true;
    else
        snprintf(why, (size_t)room, "%s", strerror(errno));
    if (fd >= 0) close(fd);
    if (lock >= 0) close(lock);
    return false;
}

void map_close(mapped *m) {
    if (!m->file) return;
    munmap(m->file, IMPROV_SIZE);
    close((int)m->handle);
    if (m->lock >= 0) close((int)m->lock);
    m->file = NULL;
}

bool map_there(mapped *m, const char *path) {
    struct stat mine, there;
    return !fstat((int)m->handle, &mine) && !lstat(path, &there) && mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
}

bool map_abandoned(mapped *m) {
    if (flock((int)m->handle, LOCK_EX | LOCK_NB)) return false;
    flock((int)m->handle, LOCK_UN);
    return true;
}

/* Waking the engine */

void wake_open(waker *w, const char *path) {
    struct sockaddr_un *to = (struct sockaddr_un *)w->address;
    _Static_assert(sizeof *to <= sizeof w->address, "address");
    memset(w->address, 0, sizeof w->address);
    to->sun_family = AF_UNIX;
    w->length = sizeof *to;
    w->socket = -1;
    if (!beside(path, "sock", to->sun_path, sizeof to->sun_path)) return;
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (fd < 0) return;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, O_NONBLOCK);
#ifdef SO_NOSIGPIPE
    int yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &yes, sizeof yes);
#endif
    w->socket = fd;
}

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

void wake_send(waker *w, int port) {
    (void)port;
    if (w->socket >= 0) (void)!sendto((int)w->socket, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)w->address, (socklen_t)w->length);
}

void wake_close(waker *w) {
    if (w->socket >= 0) close((int)w->socket);
    w->socket = -1;
}

/* Starting the engine */

static int python_of(char *text, int room) { /* what `improv plugin install` remembered */
    char path[4096], line[4200];
    text[0] = 0;
    FILE *in = improv_settings_path(path, sizeof path) < 0 ? NULL : fopen(path, "re");
    if (!in) return IMPROV_NO_SETTINGS;
    bool ours = fgets(line, sizeof line, in) && !strncmp(line, "improv plugin 1", 15);
    while (ours && fgets(line, sizeof line, in)) {
        line[strcspn(line, "\r\n")] = 0;
        if (!strncmp(line, "python=", 7)) snprintf(text, (size_t)room, "%s", line + 7);
    }
    fclose(in);
    if (!text[0]) return IMPROV_NO_SETTINGS;
    return access(text, X_OK) ? IMPROV_NO_PYTHON : IMPROV_STARTING;
}

/* A shell starts it in the background and ends at once: so the host gets no child, and nobody forks the host's memory. */
int start_engine(const char *path) {
    static char *script = "unset LD_PRELOAD LD_LIBRARY_PATH DYLD_LIBRARY_PATH PYTHONHOME PYTHONPATH\n" /* they are the host's */
                          "exec 0</dev/null 1>>\"$3\" 2>&1; \"$1\" -P -m improv plugin engine \"$2\" &";
    char python[4200], log[4096];
    int status = python_of(python, sizeof python);
    if (status != IMPROV_STARTING) return status;
    if (!beside(path, "log", log, sizeof log)) return IMPROV_NO_FOLDER;
    char *arguments[] = {"sh", "-c", script, "improv", python, (char *)path, log, NULL};
    posix_spawnattr_t how;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    posix_spawnattr_init(&how);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setsigdefault(&how, &all);
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
#ifdef POSIX_SPAWN_SETSID
    flags |= POSIX_SPAWN_SETSID;
#endif
    posix_spawnattr_setflags(&how, flags);
    pid_t child;
    int failed = posix_spawn(&child, "/bin/sh", NULL, &how, arguments, environ), said;
    posix_spawnattr_destroy(&how);
    if (failed) return IMPROV_NO_ENGINE;
    while (waitpid(child, &said, 0) < 0 && errno == EINTR) {
    }
    return IMPROV_STARTING;
}

/* A thread that looks after things */

struct improv_thread {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t ended;
    bool end;
    void (*work)(void *);
    void *with;
    int milliseconds;
};

static void *run_thread(void *given) {
    improv_thread *t = given;
    pthread_mutex_lock(&t->mutex);
    while (!t->end) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += t->milliseconds * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&t->ended, &t->mutex, &until);
        if (t->end) break;
        pthread_mutex_unlock(&t->mutex);
        t->work(t->with);
        pthread_mutex_lock(&t->mutex);
    }
    pthread_mutex_unlock(&t->mutex);
    return NULL;
}

improv_thread *thread_start(void (*work)(void *), void *with, int milliseconds) {
    improv_thread *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    t->work = work, t->with = with, t->milliseconds = milliseconds;
    pthread_mutex_init(&t->mutex, NULL);
    pthread_cond_init(&t->ended, NULL);
    sigset_t all, before; /* the host's signals are not for this thread */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&t->thread, NULL, run_thread, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        free(t);
        return NULL;
    }
    return t;
}

void thread_end(improv_thread *t) {
    if (!t) return;
    pthread_mutex_lock(&t->mutex);
    t->end = true;
    pthread_cond_signal(&t->ended);
    pthread_mutex_unlock(&t->mutex);
    pthread_join(t->thread, NULL);
    pthread_mutex_destroy(&t->mutex);
    pthread_cond_destroy(&t->ended);
    free(t);
}
#endif
