/* What is asked of Windows. Built by cross-compiler; it ran under Wine alone (see docs/daw.md). Texts are UTF-8, paths go to Windows as UTF-16. */
#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0601 /* Windows 7 */
#endif
#include <winsock2.h>
#include <windows.h>
#include <bcrypt.h>

#include "inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_ROOM 4096
#define LOCKED_AT 0x40000000u /* a byte far beyond the file: who locks it lives */

int64_t improv_now_ns(void) {
    LARGE_INTEGER count, rate;
    QueryPerformanceFrequency(&rate);
    QueryPerformanceCounter(&count);
    return count.QuadPart / rate.QuadPart * 1000000000LL + count.QuadPart % rate.QuadPart * 1000000000LL / rate.QuadPart;
}

uint32_t own_pid(void) { return GetCurrentProcessId(); }

void short_sleep(int microseconds) { Sleep(microseconds < 1000 ? 0 : (DWORD)(microseconds / 1000)); }

void random_bytes(uint8_t *bytes, int count) { BCryptGenRandom(NULL, bytes, (ULONG)count, BCRYPT_USE_SYSTEM_PREFERRED_RNG); }

/* Paths */

static bool widen(const char *text, wchar_t *wide) { return MultiByteToWideChar(CP_UTF8, 0, text, -1, wide, PATH_ROOM) > 0; }

static int from_environment(const wchar_t *name, const char *more, char *text, int room) {
    wchar_t wide[PATH_ROOM];
    DWORD length = GetEnvironmentVariableW(name, wide, PATH_ROOM);
    if (!length || length >= PATH_ROOM) return -1;
    int bytes = WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, room, NULL, NULL);
    if (bytes <= 0 || bytes + (int)strlen(more) > room) return -1;
    strcpy(text + bytes - 1, more);
    return bytes - 1 + (int)strlen(more);
}

static bool made(wchar_t *path) { /* a folder, with those above it that are missing */
    for (wchar_t *at = path; *at; at++)
        if (*at == L'\\' && at > path + 2) {
            *at = 0;
            CreateDirectoryW(path, NULL);
            *at = L'\\';
        }
    CreateDirectoryW(path, NULL);
    DWORD is = GetFileAttributesW(path);
    return is != INVALID_FILE_ATTRIBUTES && is & FILE_ATTRIBUTE_DIRECTORY;
}

/* In the user's own folder of temporary files, which others can't enter. Where none is named, or it can't be made, in the one that
   Windows names: a service has no other, and Wine may have put it elsewhere. */
int improv_folder(char *text, int room) {
    wchar_t wide[PATH_ROOM];
    int length = from_environment(L"LOCALAPPDATA", "\\Temp\\improv", text, room);
    if (length > 0 && widen(text, wide) && made(wide)) return length;
    DWORD given = GetTempPathW(PATH_ROOM, wide); /* with a final backslash */
    if (!given || given + 8 > PATH_ROOM) return -1;
    wcscpy(wide + given, L"improv");
    length = WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, room, NULL, NULL) - 1;
    return length > 0 && made(wide) ? length : -1;
}

int improv_settings_path(char *text, int room) {
    int given = from_environment(L"IMPROV_PLUGIN_SETTINGS", "", text, room);
    return given > 0 ? given : from_environment(L"LOCALAPPDATA", "\\improv\\plugin.conf", text, room);
}

static bool beside(const char *path, const char *ending, wchar_t *wide) { /* NAME.ring as NAME.`ending` */
    char text[PATH_ROOM];
    size_t length = strlen(path);
    if (length < 5 || length + strlen(ending) >= sizeof text) return false;
    memcpy(text, path, length - 4);
    strcpy(text + length - 4, ending);
    return widen(text, wide);
}

void remove_files(const char *path) {
    static const char *const endings[] = {"ring", "lock"};
    wchar_t wide[PATH_ROOM];
    for (int i = 0; i < 2; i++)
        if (beside(path, endings[i], wide)) DeleteFileW(wide);
}

/* Mapped files */

static HANDLE open_file(const wchar_t *path, DWORD how) {
    return CreateFileW(path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, how,
                       FILE_ATTRIBUTE_NORMAL, NULL);
}

static bool lock(HANDLE file) {
    OVERLAPPED at = {.Offset = LOCKED_AT};
    return LockFileEx(file, LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &at);
}

static bool map(mapped *m, HANDLE file, HANDLE locked) {
    HANDLE mapping = CreateFileMappingW(file, NULL, PAGE_READWRITE, 0, IMPROV_SIZE, NULL);
    void *at = mapping ? MapViewOfFile(mapping, FILE_MAP_ALL_ACCESS, 0, 0, IMPROV_SIZE) : NULL;
    if (!at) {
        if (mapping) CloseHandle(mapping);
        return false;
    }
    *m = (mapped){at, (intptr_t)file, (intptr_t)mapping, (intptr_t)locked};
    return true;
}

bool map_make(mapped *m, const char *path) {
    wchar_t wide[PATH_ROOM];
    HANDLE file = widen(path, wide) ? open_file(wide, CREATE_NEW) : INVALID_HANDLE_VALUE;
    if (file == INVALID_HANDLE_VALUE) return false;
    if (lock(file) && map(m, file, INVALID_HANDLE_VALUE)) return true;
    CloseHandle(file);
    DeleteFileW(wide);
    return false;
}

bool map_open(mapped *m, const char *path, char *why, int room) {
    wchar_t wide[PATH_ROOM];
    LARGE_INTEGER size = {0};
    HANDLE locked = INVALID_HANDLE_VALUE, file = widen(path, wide) ? open_file(wide, OPEN_EXISTING) : INVALID_HANDLE_VALUE;
    if (file == INVALID_HANDLE_VALUE || !GetFileSizeEx(file, &size))
        snprintf(why, (size_t)room, "it can't be opened (Windows error %lu)", GetLastError());
    else if (size.QuadPart != IMPROV_SIZE)
        snprintf(why, (size_t)room, "%lld bytes, expected %d: of another version, or torn", (long long)size.QuadPart, IMPROV_SIZE);
    else if (!beside(path, "lock", wide) || (locked = open_file(wide, OPEN_ALWAYS)) == INVALID_HANDLE_VALUE)
        snprintf(why, (size_t)room, "no lock can be made beside it");
    else if (!lock(locked))
        snprintf(why, (size_t)room, "another engine serves it");
    else if (map(m, file, locked))
        return true;
    else
        snprintf(why, (size_t)room, "it can't be mapped (Windows error %lu)", GetLastError());
    if (file != INVALID_HANDLE_VALUE) CloseHandle(file);
    if (locked != INVALID_HANDLE_VALUE) CloseHandle(locked);
    return false;
}

void map_close(mapped *m) {
    if (!m->file) return;
    UnmapViewOfFile(m->file);
    CloseHandle((HANDLE)m->mapping);
    CloseHandle((HANDLE)m->handle);
    if ((HANDLE)m->lock != INVALID_HANDLE_VALUE) CloseHandle((HANDLE)m->lock);
    m->file = NULL;
}

bool map_there(mapped *m, const char *path) {
    wchar_t wide[PATH_ROOM];
    (void)m;
    return widen(path, wide) && GetFileAttributesW(wide) != INVALID_FILE_ATTRIBUTES;
}

bool map_abandoned(mapped *m) {
    OVERLAPPED at = {.Offset = LOCKED_AT};
    if (!lock((HANDLE)m->handle)) return false;
    UnlockFileEx((HANDLE)m->handle, 0, 1, 0, &at);
    return true;
}

/* Waking the engine, which says at which port of this machine it listens */

void wake_open(waker *w, const char *path) {
    (void)path;
    WSADATA about;
    w->socket = -1;
    if (WSAStartup(MAKEWORD(2, 2), &about)) return;
    SOCKET s = socket(AF_INET, SOCK_DGRAM, 0);
    u_long yes = 1;
    if (s == INVALID_SOCKET) return;
    ioctlsocket(s, FIONBIO, &yes);
    struct sockaddr_in *to = (struct sockaddr_in *)w->address;
    memset(to, 0, sizeof *to);
    to->sin_family = AF_INET;
    to->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    w->length = sizeof *to;
    w->socket = (intptr_t)s;
}

void wake_send(waker *w, int port) {
    if (w->socket < 0 || port < 1 || port > 65535) return;
    ((struct sockaddr_in *)w->address)->sin_port = htons((u_short)port);
    sendto((SOCKET)w->socket, "", 1, 0, (struct sockaddr *)w->address, w->length);
}

void wake_close(waker *w) {
    if (w->socket < 0) return;
    closesocket((SOCKET)w->socket);
    WSACleanup();
    w->socket = -1;
}

/* Starting the engine */

static int python_of(char *text, int room) { /* what `improv plugin install` remembered */
    char path[PATH_ROOM], line[PATH_ROOM + 16];
    wchar_t wide[PATH_ROOM];
    text[0] = 0;
    FILE *in = improv_settings_path(path, sizeof path) > 0 && widen(path, wide) ? _wfopen(wide, L"rb") : NULL;
    if (!in) return IMPROV_NO_SETTINGS;
    bool ours = fgets(line, sizeof line, in) && !strncmp(line, "improv plugin 1", 15);
    while (ours && fgets(line, sizeof line, in)) {
        line[strcspn(line, "\r\n")] = 0;
        if (!strncmp(line, "python=", 7)) snprintf(text, (size_t)room, "%s", line + 7);
    }
    fclose(in);
    if (!text[0] || !widen(text, wide)) return IMPROV_NO_SETTINGS;
    return GetFileAttributesW(wide) == INVALID_FILE_ATTRIBUTES ? IMPROV_NO_PYTHON : IMPROV_STARTING;
}

int start_engine(const char *path) {
    char python[PATH_ROOM], command[3 * PATH_ROOM];
    wchar_t wide[3 * PATH_ROOM], log[PATH_ROOM];
    int status = python_of(python, sizeof python);
    if (status != IMPROV_STARTING) return status;
    snprintf(command, sizeof command, "\"%s\" -P -m improv plugin engine \"%s\"", python, path);
    if (!MultiByteToWideChar(CP_UTF8, 0, command, -1, wide, 3 * PATH_ROOM) || !beside(path, "log", log)) return IMPROV_NO_ENGINE;
    SECURITY_ATTRIBUTES inherited = {sizeof inherited, NULL, TRUE};
    HANDLE out = CreateFileW(log, FILE_APPEND_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, &inherited, OPEN_ALWAYS, 0, NULL);
    STARTUPINFOW how = {.cb = sizeof how, .dwFlags = STARTF_USESTDHANDLES, .hStdOutput = out, .hStdError = out};
    PROCESS_INFORMATION child;
    BOOL done = CreateProcessW(NULL, wide, NULL, NULL, TRUE, CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP, NULL, NULL, &how, &child);
    if (out != INVALID_HANDLE_VALUE) CloseHandle(out);
    if (!done) return IMPROV_NO_ENGINE;
    CloseHandle(child.hThread);
    CloseHandle(child.hProcess);
    return IMPROV_STARTING;
}

/* A thread that looks after things */

struct improv_thread {
    HANDLE thread, end;
    void (*work)(void *);
    void *with;
    int milliseconds;
};

static DWORD WINAPI run_thread(void *given) {
    improv_thread *t = given;
    while (WaitForSingleObject(t->end, (DWORD)t->milliseconds) == WAIT_TIMEOUT) t->work(t->with);
    return 0;
}

improv_thread *thread_start(void (*work)(void *), void *with, int milliseconds) {
    improv_thread *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    *t = (improv_thread){NULL, CreateEventW(NULL, TRUE, FALSE, NULL), work, with, milliseconds};
    t->thread = t->end ? CreateThread(NULL, 0, run_thread, t, 0, NULL) : NULL;
    if (t->thread) return t;
    if (t->end) CloseHandle(t->end);
    free(t);
    return NULL;
}

void thread_end(improv_thread *t) {
    if (!t) return;
    SetEvent(t->end);
    WaitForSingleObject(t->thread, INFINITE);
    CloseHandle(t->thread);
    CloseHandle(t->end);
    free(t);
}
#else
typedef int improv_not_windows; /* C wants a word in each file */
#endif
