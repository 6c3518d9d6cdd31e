/*
 * Fault shim: an LD_PRELOAD library that writes down what a process asks of the disk, in order, and lets calls fail on demand.
 *
 * SHIM_SCOPE  only regular files and directories whose path contains this text are touched: a failed write to one of the
 *             runtime's own descriptors would end the process
 * SHIM_LOG    one line for each call, written by one append after the call; see call-log.ts for the fields
 * SHIM_RULES  faults, read again at each call: lines `<call> <action> <part of the path>`; see fault-shim.ts
 * SHIM_TEXT   what follows this text in a write, up to the next quote, is written down as a line of its own (`text`);
 *             not where it has blanks or other bytes than ASCII
 * SHIM_CLOCK  a file of 8 bytes, the milliseconds (signed, of this machine's byte order) that are added to the wall clock; it
 *             may change while the process runs. The monotonic clock stays what it is
 *
 * One counter gives every call a number when it begins and another when it has ended, whatever its thread. So where the end
 * of one is below the beginning of another, the one was over before the other was asked for.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define PATH_ROOM 1024
#define RULES_ROOM 4096
#define MAX_RULES 16
#define NO_OFFSET ((int64_t)-1)

static const char *scope, *rules_path, *text_before;
static int log_fd = -1;
static const volatile int64_t *clock_shift_ms;
static uint64_t ticks;

static uint64_t tick(void) { return __atomic_add_fetch(&ticks, 1, __ATOMIC_SEQ_CST); }

__attribute__((constructor)) static void start(void) {
  const char *log_path = getenv("SHIM_LOG"), *clock_path = getenv("SHIM_CLOCK");
  scope = getenv("SHIM_SCOPE");
  rules_path = getenv("SHIM_RULES");
  text_before = getenv("SHIM_TEXT");
  if (log_path && scope) log_fd = (int)syscall(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (!clock_path) return;
  int clock_fd = (int)syscall(SYS_openat, AT_FDCWD, clock_path, O_RDONLY | O_CLOEXEC);
  void *shared = clock_fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *clock_shift_ms, PROT_READ, MAP_SHARED, clock_fd, 0);
  if (shared == MAP_FAILED) abort();
  syscall(SYS_close, clock_fd);
  clock_shift_ms = shared;
}

/* ---- what is recorded ---- */

struct call {
  const char *name;
  uint64_t begin;
  int64_t offset, length;
  char path[PATH_ROOM], other[PATH_ROOM];
};

static void record(const struct call *call, int64_t result, int error) {
  char line[2 * PATH_ROOM + 256];
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  int length = snprintf(line, sizeof line, "%lu\t%lu\t%.3f\t%s\t%ld\t%d\t%ld\t%ld\t%s\t%s\n", call->begin, tick(),
                        (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6, call->name, result, result < 0 ? error : 0, call->offset,
                        call->length, call->path, call->other);
  if (syscall(SYS_write, log_fd, line, (size_t)length) != length) abort();
}

static int in_scope(const char *path) { return log_fd >= 0 && strstr(path, scope) != NULL; }

/* Fills path and directory flag of a descriptor; 0 where it is none of a file in scope. */
static int describe(int fd, struct call *call, int *is_directory) {
  struct stat stats;
  char link[64];
  if (log_fd < 0 || fstat(fd, &stats) != 0 || !(S_ISREG(stats.st_mode) || S_ISDIR(stats.st_mode))) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, call->path, sizeof call->path - 1);
  if (length < 0) return 0;
  call->path[length] = 0;
  *is_directory = S_ISDIR(stats.st_mode);
  return in_scope(call->path);
}

/* ---- faults ---- */

static pthread_mutex_t rules_lock = PTHREAD_MUTEX_INITIALIZER;
static char known_rules[RULES_ROOM];
/* How often, or over how many bytes, each rule of the present file has acted. */
static int64_t used[MAX_RULES];

struct verdict {
  int error;
  long slow_ms;
  int64_t allowed;
};

static int code_of(const char *action, size_t length) {
  static const struct {
    const char *name;
    int code;
  } codes[] = {{"eio", EIO}, {"enospc", ENOSPC}, {"exdev", EXDEV}, {"erofs", EROFS}};
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
    if (strlen(codes[i].name) == length && strncmp(codes[i].name, action, length) == 0) return codes[i].code;
  return 0;
}

static void apply(const char *action, int rule, int64_t length, struct verdict *verdict) {
  const char *colon = strchr(action, ':');
  int64_t number = colon ? atoll(colon + 1) : -1;
  size_t name_length = colon ? (size_t)(colon - action) : strlen(action);
  int code = code_of(action, name_length);
  if (code) {
    if (number >= 0 && used[rule]++ >= number) return;
    verdict->error = code;
  } else if (strncmp(action, "slow", name_length) == 0) {
    verdict->slow_ms = number;
  } else if (strncmp(action, "short", name_length) == 0) {
    verdict->allowed = length > 1 ? length / 2 : length;
  } else if (strncmp(action, "enospc-after", name_length) == 0) {
    int64_t left = number > used[rule] ? number - used[rule] : 0;
    if (left == 0) verdict->error = ENOSPC;
    verdict->allowed = left < length ? left : length;
    used[rule] += verdict->allowed;
  } else {
    abort();
  }
}

static struct verdict judge(const struct call *call) {
  struct verdict verdict = {0, 0, call->length};
  char rules[RULES_ROOM];
  int fd = rules_path ? (int)syscall(SYS_openat, AT_FDCWD, rules_path, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return verdict;
  ssize_t length = syscall(SYS_read, fd, rules, sizeof rules - 1);
  syscall(SYS_close, fd);
  if (length <= 0) return verdict;
  rules[length] = 0;
  pthread_mutex_lock(&rules_lock);
  if (strcmp(rules, known_rules) != 0) {
    strcpy(known_rules, rules);
    memset(used, 0, sizeof used);
  }
  char *rest = rules;
  for (int rule = 0; rule < MAX_RULES; rule++) {
    char *line = strsep(&rest, "\n");
    if (!line) break;
    char *name = strsep(&line, " "), *action = strsep(&line, " ");
    if (!action || strcmp(name, call->name) != 0) continue;
    if (!line || strstr(call->path, line) || strstr(call->other, line)) apply(action, rule, call->length, &verdict);
  }
  pthread_mutex_unlock(&rules_lock);
  if (verdict.slow_ms > 0) {
    struct timespec pause = {verdict.slow_ms / 1000, (verdict.slow_ms % 1000) * 1000000L};
    nanosleep(&pause, NULL);
  }
  return verdict;
}

/* Runs `perform` between the two numbers of a call, unless a rule lets it fail. */
#define OBSERVED(call, verdict, perform)          \
  do {                                            \
    (call).begin = tick();                        \
    struct verdict verdict = judge(&(call));      \
    int64_t result = -1;                          \
    if (verdict.error) errno = verdict.error;     \
    else result = (perform);                      \
    int error = errno;                            \
    record(&(call), result, error);               \
    errno = error;                                \
    return (__typeof__(perform))result;           \
  } while (0)

#define REAL(type, name, ...)              \
  static type (*real)(__VA_ARGS__);        \
  if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

/* ---- writes ---- */

static int64_t length_of(const struct iovec *parts, int count) {
  int64_t length = 0;
  for (int i = 0; i < count; i++) length += (int64_t)parts[i].iov_len;
  return length;
}

/* Cuts a copy of the list so that it holds `length` bytes; returns how many of its parts are left. */
static int cut(struct iovec *parts, int count, int64_t length) {
  for (int i = 0; i < count; i++) {
    if ((int64_t)parts[i].iov_len >= length) {
      parts[i].iov_len = (size_t)length;
      return i + 1;
    }
    length -= (int64_t)parts[i].iov_len;
  }
  return count;
}

static void record_texts(const struct call *call, const char *bytes, size_t length) {
  if (!text_before) return;
  size_t before = strlen(text_before);
  const char *end = bytes + length;
  for (const char *found = bytes; (found = memmem(found, (size_t)(end - found), text_before, before));) {
    found += before;
    const char *quote = memchr(found, '"', (size_t)(end - found));
    if (!quote) return;
    int is_plain = 1;
    for (const char *byte = found; byte < quote; byte++) is_plain &= *byte > ' ' && *byte < 127;
    /* A database may break a text between two of its pages. */
    if (!is_plain) continue;
    struct call text = *call;
    text.name = "text";
    text.begin = tick();
    snprintf(text.other, sizeof text.other, "%.*s", (int)(quote - found), found);
    record(&text, 0, 0);
  }
}

static int port_of(const struct sockaddr_storage *address) {
  if (address->ss_family == AF_INET) return ntohs(((const struct sockaddr_in *)address)->sin_port);
  return address->ss_family == AF_INET6 ? ntohs(((const struct sockaddr_in6 *)address)->sin6_port) : 0;
}

/* Takes status and connection of a write to a TCP socket that begins an HTTP answer; 0 where it is none. */
static int begins_answer(int fd, const struct iovec *parts, int count, struct call *call) {
  if (log_fd < 0 || count < 1 || parts[0].iov_len < 12 || memcmp(parts[0].iov_base, "HTTP/1.1 ", 9) != 0) return 0;
  struct sockaddr_storage own, peer;
  socklen_t own_room = sizeof own, peer_room = sizeof peer;
  if (getsockname(fd, (struct sockaddr *)&own, &own_room) != 0 || getpeername(fd, (struct sockaddr *)&peer, &peer_room) != 0) return 0;
  if (!port_of(&peer)) return 0;
  call->name = "answer";
  call->offset = NO_OFFSET;
  call->length = atoi((const char *)parts[0].iov_base + 9);
  snprintf(call->path, sizeof call->path, "%d:%d", port_of(&own), port_of(&peer));
  return 1;
}

static ssize_t written(int fd, const struct iovec *parts, int count, int64_t offset, ssize_t (*perform)(int, const struct iovec *, int, off_t)) {
  struct call call = {.name = "write", .offset = offset};
  int is_directory;
  if (offset == NO_OFFSET && begins_answer(fd, parts, count, &call)) {
    call.begin = tick();
    ssize_t sent = perform(fd, parts, count, offset);
    int error = errno;
    record(&call, sent, error);
    errno = error;
    return sent;
  }
  if (!describe(fd, &call, &is_directory)) return perform(fd, parts, count, offset);
  if (offset == NO_OFFSET) {
    struct stat stats;
    int appends = (fcntl(fd, F_GETFL) & O_APPEND) != 0 && fstat(fd, &stats) == 0;
    call.offset = appends ? stats.st_size : lseek(fd, 0, SEEK_CUR);
  }
  call.length = length_of(parts, count);
  struct iovec allowed[count];
  memcpy(allowed, parts, sizeof allowed);
  for (int i = 0; i < count; i++) record_texts(&call, parts[i].iov_base, parts[i].iov_len);
  OBSERVED(call, verdict, perform(fd, allowed, cut(allowed, count, verdict.allowed), offset));
}

static ssize_t real_write(int fd, const struct iovec *parts, int count, off_t offset) {
  (void)offset;
  (void)count;
  REAL(ssize_t, "write", int, const void *, size_t);
  return real(fd, parts->iov_base, parts->iov_len);
}
static ssize_t real_pwrite(int fd, const struct iovec *parts, int count, off_t offset) {
  (void)count;
  REAL(ssize_t, "pwrite64", int, const void *, size_t, off_t);
  return real(fd, parts->iov_base, parts->iov_len, offset);
}
static ssize_t real_writev(int fd, const struct iovec *parts, int count, off_t offset) {
  (void)offset;
  REAL(ssize_t, "writev", int, const struct iovec *, int);
  return real(fd, parts, count);
}
static ssize_t real_pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
  REAL(ssize_t, "pwritev64", int, const struct iovec *, int, off_t);
  return real(fd, parts, count, offset);
}

static ssize_t single(int fd, const void *bytes, size_t length, int64_t offset, ssize_t (*perform)(int, const struct iovec *, int, off_t)) {
  struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = length};
  return written(fd, &part, 1, offset, perform);
}

EXPORT ssize_t write(int fd, const void *bytes, size_t length) { return single(fd, bytes, length, NO_OFFSET, real_write); }
EXPORT ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return single(fd, bytes, length, offset, real_pwrite); }
EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) { return single(fd, bytes, length, offset, real_pwrite); }
EXPORT ssize_t writev(int fd, const struct iovec *parts, int count) { return written(fd, parts, count, NO_OFFSET, real_writev); }
EXPORT ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) { return written(fd, parts, count, offset, real_pwritev); }
EXPORT ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) { return written(fd, parts, count, offset, real_pwritev); }
EXPORT ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t offset, int flags) {
  (void)flags;
  return offset == -1 ? writev(fd, parts, count) : pwritev(fd, parts, count, offset);
}
EXPORT ssize_t pwritev64v2(int fd, const struct iovec *parts, int count, off64_t offset, int flags) {
  return pwritev2(fd, parts, count, offset, flags);
}

static ssize_t real_sendmsg(int fd, const struct iovec *parts, int count, off_t offset) {
  (void)offset;
  REAL(ssize_t, "sendmsg", int, const struct msghdr *, int);
  struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = (size_t)count};
  return real(fd, &message, MSG_NOSIGNAL);
}
EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  struct call call = {0};
  if (!message->msg_name && !message->msg_control && begins_answer(fd, message->msg_iov, (int)message->msg_iovlen, &call))
    return written(fd, message->msg_iov, (int)message->msg_iovlen, NO_OFFSET, real_sendmsg);
  REAL(ssize_t, "sendmsg", int, const struct msghdr *, int);
  return real(fd, message, flags);
}

/* ---- syncs and cuts ---- */

#define SYNC(function, file_name)                                                  \
  EXPORT int function(int fd) {                                                    \
    REAL(int, #function, int);                                                     \
    struct call call = {.name = file_name, .offset = NO_OFFSET};                   \
    int is_directory;                                                              \
    if (!describe(fd, &call, &is_directory)) return real(fd);                      \
    if (is_directory) call.name = "fsyncdir";                                      \
    OBSERVED(call, verdict, real(fd));                                             \
  }
SYNC(fsync, "fsync")
SYNC(fdatasync, "fdatasync")

#define CUT(function, real_name)                                                   \
  EXPORT int function(int fd, off64_t length) {                                    \
    REAL(int, real_name, int, off64_t);                                            \
    struct call call = {.name = "truncate", .offset = NO_OFFSET, .length = length}; \
    int is_directory;                                                              \
    if (!describe(fd, &call, &is_directory)) return real(fd, length);              \
    OBSERVED(call, verdict, real(fd, length));                                     \
  }
CUT(ftruncate, "ftruncate64")
CUT(ftruncate64, "ftruncate64")

/* ---- names ---- */

static void take_path(char *to, int folder, const char *path) {
  char link[64];
  ssize_t length = 0;
  if (path[0] != '/' && folder != AT_FDCWD) {
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    length = syscall(SYS_readlinkat, AT_FDCWD, link, to, PATH_ROOM - 1);
    if (length < 0) length = 0;
    else to[length++] = '/';
  }
  snprintf(to + length, (size_t)(PATH_ROOM - length), "%s", path);
}

#define NAMED(call_name, in_folder, name_in_it)                                    \
  struct call call = {.name = call_name, .offset = NO_OFFSET};                     \
  take_path(call.path, in_folder, name_in_it);

#define OPEN(function, folder, decl, ...)                                          \
  EXPORT int function(decl const char *path, int flags, ...) {                     \
    va_list list;                                                                  \
    va_start(list, flags);                                                         \
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(list, mode_t) : 0;      \
    va_end(list);                                                                  \
    REAL(int, #function, __VA_ARGS__);                                             \
    NAMED("create", folder, path)                                                  \
    int exists = !(flags & O_CREAT) || syscall(SYS_faccessat, folder, path, F_OK) == 0; \
    if (exists && (flags & O_TRUNC)) call.name = "truncate";                       \
    if (!in_scope(call.path) || (exists && !(flags & O_TRUNC))) return real(OPEN_##function); \
    OBSERVED(call, verdict, real(OPEN_##function));                                \
  }
#define OPEN_open path, flags, mode
#define OPEN_open64 path, flags, mode
#define OPEN_openat folder, path, flags, mode
#define OPEN_openat64 folder, path, flags, mode
#define FOLDER int folder,
#define NOTHING
OPEN(open, AT_FDCWD, NOTHING, const char *, int, ...)
OPEN(open64, AT_FDCWD, NOTHING, const char *, int, ...)
OPEN(openat, folder, FOLDER, int, const char *, int, ...)
OPEN(openat64, folder, FOLDER, int, const char *, int, ...)

EXPORT int mkdirat(int folder, const char *path, mode_t mode) {
  REAL(int, "mkdirat", int, const char *, mode_t);
  NAMED("mkdir", folder, path)
  if (!in_scope(call.path)) return real(folder, path, mode);
  OBSERVED(call, verdict, real(folder, path, mode));
}
EXPORT int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

EXPORT int unlinkat(int folder, const char *path, int flags) {
  REAL(int, "unlinkat", int, const char *, int);
  NAMED((flags & AT_REMOVEDIR) ? "rmdir" : "unlink", folder, path)
  if (!in_scope(call.path)) return real(folder, path, flags);
  OBSERVED(call, verdict, real(folder, path, flags));
}
EXPORT int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
EXPORT int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
EXPORT int remove(const char *path) {
  int result = unlinkat(AT_FDCWD, path, 0);
  return result == -1 && errno == EISDIR ? unlinkat(AT_FDCWD, path, AT_REMOVEDIR) : result;
}

EXPORT int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned int flags) {
  REAL(int, "renameat2", int, const char *, int, const char *, unsigned int);
  NAMED("rename", from_folder, from)
  take_path(call.other, to_folder, to);
  if (!in_scope(call.path) && !in_scope(call.other)) return real(from_folder, from, to_folder, to, flags);
  OBSERVED(call, verdict, real(from_folder, from, to_folder, to, flags));
}
EXPORT int renameat(int from_folder, const char *from, int to_folder, const char *to) { return renameat2(from_folder, from, to_folder, to, 0); }
EXPORT int rename(const char *from, const char *to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

EXPORT int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
  REAL(int, "linkat", int, const char *, int, const char *, int);
  NAMED("link", from_folder, from)
  take_path(call.other, to_folder, to);
  if (!in_scope(call.path) && !in_scope(call.other)) return real(from_folder, from, to_folder, to, flags);
  OBSERVED(call, verdict, real(from_folder, from, to_folder, to, flags));
}
EXPORT int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

/* ---- the wall clock ---- */

static int64_t shifted_ns(int64_t seconds, int64_t nanoseconds) {
  return (seconds * 1000 + (clock_shift_ms ? *clock_shift_ms : 0)) * 1000000 + nanoseconds;
}

EXPORT int clock_gettime(clockid_t clock, struct timespec *now) {
  REAL(int, "clock_gettime", clockid_t, struct timespec *);
  int result = real(clock, now);
  if (result != 0 || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return result;
  int64_t ns = shifted_ns(now->tv_sec, now->tv_nsec);
  *now = (struct timespec){ns / 1000000000, ns % 1000000000};
  return 0;
}

EXPORT int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  REAL(int, "gettimeofday", struct timeval *, void *);
  int result = real(now, zone);
  if (result != 0) return result;
  int64_t us = shifted_ns(now->tv_sec, now->tv_usec * 1000) / 1000;
  *now = (struct timeval){us / 1000000, us % 1000000};
  return 0;
}

EXPORT time_t time(time_t *result) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (result) *result = now.tv_sec;
  return now.tv_sec;
}
